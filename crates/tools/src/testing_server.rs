//! A server of the tests' own that answers what it is told, byte by byte.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use runloom_net::guard::{Guard, IpNet, Policy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A guard that lets our own servers be reached.
pub(crate) fn guard() -> Guard {
    let loopback: IpNet = "127.0.0.0/8".parse().unwrap();
    Guard::new(Policy::allowing(vec![loopback]))
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// The server; it stops when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Gives each request the next of these answers and closes the connection. An empty one
    /// closes it at once; without any it is silent.
    pub(crate) async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            let mut silent = Vec::new();
            let mut answers = answers.into_iter();
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else {
                    continue;
                };
                seen.lock().unwrap().push(request);
                match answers.next() {
                    Some(answer) => {
                        let _ = stream.write_all(answer.as_bytes()).await;
                        let _ = stream.shutdown().await;
                    }
                    None => silent.push(stream),
                }
            }
        });
        Self {
            url,
            requests,
            task,
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        if let Some(end) = text.find("\r\n\r\n") {
            break end;
        }
        let length = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        text.push_str(str::from_utf8(&buffer[..length]).ok()?);
    };
    let mut lines = text[..head_end].split("\r\n").map(str::to_owned);
    let line = lines.next()?;
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    });
    let headers: BTreeMap<String, String> = headers.collect();
    let length = headers.get("content-length");
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    let mut body = text[head_end + 4..].to_owned();
    while body.len() < length {
        let more = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        body.push_str(str::from_utf8(&buffer[..more]).ok()?);
    }
    Some(Request {
        line,
        headers,
        body,
    })
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}
