//! A listener at every address.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runloom_tests::soon;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{INNER, PUBLIC};

/// The ports at which it listens.
const PORTS: [u16; 2] = [80, 443];

/// The length of what is too long.
const LARGE: usize = 10 * 1024 * 1024;

/// The listener; it stops when it is dropped.
pub(super) struct Everywhere {
    reached: Arc<Mutex<Vec<IpAddr>>>,
    _acceptors: JoinSet<()>,
}

impl Everywhere {
    pub(super) async fn listen() -> Self {
        let reached = Arc::new(Mutex::new(Vec::new()));
        let mut acceptors = JoinSet::new();
        for port in PORTS {
            // That of IPv6 is that of IPv4 as well.
            let listener = TcpListener::bind(("::", port)).await;
            let listener = listener.expect("nobody else listens here");
            let reached = Arc::clone(&reached);
            acceptors.spawn(async move {
                while let Ok((connection, _)) = listener.accept().await {
                    let address = connection.local_addr().expect("it is connected");
                    let address = address.ip().to_canonical();
                    reached.lock().expect("nobody panics").push(address);
                    if is_public(address) {
                        tokio::spawn(serve(connection));
                    }
                }
            });
        }
        Self {
            reached,
            _acceptors: acceptors,
        }
    }

    /// The addresses that were reached.
    fn all(&self) -> Vec<IpAddr> {
        self.reached.lock().expect("nobody panics").clone()
    }

    /// How many connections there were to what may be reached.
    pub(super) fn public(&self) -> usize {
        self.all().into_iter().filter(|it| is_public(*it)).count()
    }

    /// The inner addresses that were reached.
    pub(super) fn inner(&self) -> Vec<IpAddr> {
        self.all()
            .into_iter()
            .filter(|it| !is_public(*it))
            .collect()
    }

    /// A connection to an address is seen.
    pub(super) async fn sees(&self, address: IpAddr) {
        let connected = TcpStream::connect((address, PORTS[0])).await;
        connected.unwrap_or_else(|error| panic!("{address}: {error}"));
        let seen = async {
            while !self.inner().contains(&address) {
                tokio::task::yield_now().await;
            }
        };
        soon("the connection", seen).await;
    }
}

fn is_public(address: IpAddr) -> bool {
    PUBLIC.iter().any(|public| public.parse() == Ok(address))
}

/// One request a connection: `/go/N` leads to the `N`-th inner URL, `/drip` never ends, `/large`
/// is large.
async fn serve(connection: TcpStream) -> io::Result<()> {
    let (read, mut write) = connection.into_split();
    let mut lines = BufReader::new(read).lines();
    let first = lines.next_line().await?.unwrap_or_default();
    while lines
        .next_line()
        .await?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    if let Some(n) = path.strip_prefix("/go/") {
        let to = n.parse::<usize>().ok().and_then(|n| INNER.get(n));
        let to = to.copied().unwrap_or_default();
        let head = format!("HTTP/1.1 307 Go\r\nLocation: {to}\r\n");
        return write.write_all(ended(&head, "").as_bytes()).await;
    }
    match path {
        "/drip" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
            write.write_all(head.as_bytes()).await?;
            loop {
                write.write_all(b".").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        "/large" => {
            let all = ended("HTTP/1.1 200 OK\r\n", &"x".repeat(LARGE));
            write.write_all(all.as_bytes()).await
        }
        _ => {
            let all = ended("HTTP/1.1 200 OK\r\n", "of the public");
            write.write_all(all.as_bytes()).await
        }
    }
}

fn ended(head: &str, body: &str) -> String {
    let length = body.len();
    format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}
