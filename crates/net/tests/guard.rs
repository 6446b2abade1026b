//! The guarded client against a server on this machine, which it must not reach unless that is
//! allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;
use runloom_net::guard::{BodyCaps, BodyError, ClientOptions, Guard, Policy, Refused, read_body};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that gives every connection the same answer, and leaves it open.
struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                // One read is enough for requests as short as these.
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(&answer).await;
                open.push(stream);
            }
        });
        Self { port, connections }
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.port)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn client(allowed: &[&str]) -> Client {
    let allowed = allowed.iter().map(|range| range.parse().unwrap());
    let guard = Guard::new(Policy::allowing(allowed.collect()));
    guard.client(&ClientOptions::default()).unwrap()
}

async fn refusal(client: &Client, url: &str) -> Refused {
    let error = client.get(url).send().await.unwrap_err();
    Refused::of(&error)
        .unwrap_or_else(|| panic!("{error:?}"))
        .clone()
}

#[tokio::test]
async fn a_server_on_this_machine_is_refused_unless_it_is_allowed() {
    let server = Server::answering(HELLO).await;
    let stranger = client(&[]);
    for host in ["127.0.0.1", "127.1", "[::ffff:127.0.0.1]"] {
        let refused = refusal(&stranger, &server.url(host)).await;
        assert_eq!(refused, Refused::Unchecked, "{host}");
    }
    let secure = server.url("127.0.0.1").replace("http:", "https:");
    assert_eq!(refusal(&stranger, &secure).await, Refused::Unchecked);
    assert_eq!(server.connections(), 0);
    let allowed = client(&["127.0.0.0/8"]);
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]"] {
        let answer = allowed.get(server.url(host)).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "hello", "{host}");
    }
}

#[tokio::test]
async fn a_name_that_means_this_machine_is_refused_unless_it_is_allowed() {
    let server = Server::answering(HELLO).await;
    let url = server.url("localhost");
    let refused = refusal(&client(&[]), &url).await;
    assert!(matches!(refused, Refused::Name { name, .. } if name == "localhost"));
    assert_eq!(server.connections(), 0);
    let answer = client(&["127.0.0.0/8"]).get(url).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "hello");
}

#[tokio::test]
async fn a_redirect_is_the_callers_affair() {
    let target = Server::answering(HELLO).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        target.url("127.0.0.1")
    );
    let server = Server::answering(redirect).await;
    let client = client(&["127.0.0.0/8"]);
    let answer = client.get(server.url("127.0.0.1")).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!((server.connections(), target.connections()), (1, 0));
}

async fn read(answer: String, caps: BodyCaps) -> Result<Vec<u8>, BodyError> {
    let server = Server::answering(answer).await;
    let client = client(&["127.0.0.0/8"]);
    let response = client.get(server.url("127.0.0.1")).send().await.unwrap();
    read_body(response, caps).await
}

const CAPS: BodyCaps = BodyCaps {
    max_bytes: 5,
    timeout: Duration::from_secs(5),
};

#[tokio::test]
async fn a_body_is_read_up_to_its_cap() {
    assert_eq!(read(HELLO.to_owned(), CAPS).await.unwrap(), b"hello");
    let long = HELLO.replace("5\r\n", "6\r\n") + "!";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n3\r\nlo!\r\n";
    for answer in [long, chunked.to_owned()] {
        let error = read(answer, CAPS).await.unwrap_err();
        assert_eq!(error.to_string(), "the body has more than 5 bytes");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let unfinished = HELLO.replace("5\r\n", "5000\r\n");
    let caps = BodyCaps {
        max_bytes: 10_000,
        timeout: Duration::from_millis(50),
    };
    let begun = Instant::now();
    let error = read(unfinished, caps).await.unwrap_err();
    assert_eq!(error.to_string(), "the body took longer than 50 ms");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn content_stays_as_it_comes() {
    let packed = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(read(packed.to_owned(), CAPS).await.unwrap(), b"hello");
}
