//! A small HTTP/1.1 client that hides nothing: bytes as they are on the wire.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::SOON;

/// Sends requests as somebody.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    authorization: Option<String>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: impl AsRef<str>) -> Self {
        Self {
            address,
            authorization: Some(format!("Bearer {}", token.as_ref())),
        }
    }

    pub(crate) fn anonymous(address: SocketAddr) -> Self {
        Self {
            address,
            authorization: None,
        }
    }

    pub(crate) async fn send(&self, request: Request) -> Response {
        self.signed(request).send(self.address).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Request::new("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.send(Request::post(path).json(body)).await
    }

    /// Sends a request and keeps the connection.
    pub(crate) async fn open(&self, request: Request) -> Connection {
        let mut connection = Connection::open(self.address).await;
        connection.write(&self.signed(request).bytes()).await;
        connection
    }

    fn signed(&self, request: Request) -> Request {
        match &self.authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        }
    }
}

/// A request.
#[derive(Clone)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
            .header("Content-Type", "application/json")
    }

    pub(crate) fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) async fn send(self, address: SocketAddr) -> Response {
        let mut connection = Connection::open(address).await;
        let is_head = self.method == "HEAD";
        connection.write(&self.bytes()).await;
        connection.response(is_head).await
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: test\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if let Some(body) = &self.body {
            head.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the body {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Status and code of a failure, after a look at its envelope.
    pub(crate) fn failure(&self) -> (u16, String) {
        let body = self.json();
        let object = body.as_object().expect("an object");
        let known = ["code", "message", "trace_id", "details"];
        assert!(
            object.keys().all(|key| known.contains(&key.as_str())),
            "{body}"
        );
        assert_eq!(body["trace_id"].as_str(), self.header("x-trace-id"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(!body["message"].as_str().expect("a message").is_empty());
        (
            self.status,
            body["code"].as_str().expect("a code").to_owned(),
        )
    }
}

/// An open connection.
pub(crate) struct Connection {
    socket: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self {
            socket: TcpStream::connect(address)
                .await
                .expect("the server listens"),
            unread: Vec::new(),
        }
    }

    /// Sends bytes; a server that has closed already is no failure of the test's.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes).await;
    }

    /// Reads until the bytes so far hold `end`, and gives them up to and with it.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        self.until_within(end, SOON).await
    }

    pub(crate) async fn until_within(&mut self, end: &str, limit: Duration) -> String {
        timeout(limit, async {
            loop {
                let found = self
                    .unread
                    .windows(end.len())
                    .position(|window| window == end.as_bytes());
                if let Some(at) = found {
                    return self.take(at + end.len());
                }
                assert!(self.more().await, "closed after {:?}", self.all_unread());
            }
        })
        .await
        .unwrap_or_else(|_| panic!("no {end:?} after {:?}", self.all_unread()))
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(&mut self) -> String {
        timeout(SOON, async { while self.more().await {} })
            .await
            .expect("the server closes");
        let length = self.unread.len();
        self.take(length)
    }

    /// The head of a response: status and headers.
    pub(crate) async fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let head = self.until_within("\r\n\r\n", Duration::from_secs(20)).await;
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().expect("a status line");
        let status = status
            .split(' ')
            .nth(1)
            .expect("a status")
            .parse()
            .expect("a number");
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_ascii_lowercase(), value.to_owned())
        });
        (status, headers.collect())
    }

    /// The next chunk of a body in chunks; empty at its end.
    pub(crate) async fn chunk(&mut self) -> String {
        self.chunk_within(SOON).await
    }

    pub(crate) async fn chunk_within(&mut self, limit: Duration) -> String {
        let size = self.until_within("\r\n", limit).await;
        let size = usize::from_str_radix(size.trim_end(), 16).expect("a size");
        while self.unread.len() < size + 2 {
            assert!(self.more().await, "closed inside a chunk");
        }
        let mut chunk = self.take(size + 2);
        chunk.truncate(size);
        chunk
    }

    /// All chunks up to the end of the body.
    pub(crate) async fn chunks(&mut self) -> String {
        let mut body = String::new();
        loop {
            let chunk = self.chunk().await;
            if chunk.is_empty() {
                return body;
            }
            body += &chunk;
        }
    }

    pub(crate) async fn response(&mut self, is_head: bool) -> Response {
        let (status, headers) = self.head().await;
        let mut response = Response {
            status,
            headers,
            body: String::new(),
        };
        if is_head {
            return response;
        }
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = self.chunks().await;
        } else if let Some(length) = response.header("content-length") {
            let length = length.parse().expect("a length");
            while self.unread.len() < length {
                assert!(self.more().await, "closed inside a body");
            }
            response.body = self.take(length);
        }
        response
    }

    /// Whether anything came; at the end nothing does.
    async fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.socket.read(&mut buffer).await {
            Ok(length) => {
                self.unread.extend_from_slice(&buffer[..length]);
                length > 0
            }
            Err(_) => false,
        }
    }

    fn take(&mut self, length: usize) -> String {
        let taken: Vec<u8> = self.unread.drain(..length).collect();
        String::from_utf8(taken).expect("UTF-8")
    }

    fn all_unread(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }
}
