//! HTTP/1.1 as the load needs it: one connection, one request at a time, kept alive.
//!
//! Written by hand because the load shares two cores with what it measures: a general client
//! costs several times more per event than the server does, and would be measured instead of it.
//! It speaks to our own server only, on the loopback interface, and takes anything it doesn't
//! expect for an error.

use anyhow::{Context, Result, bail, ensure};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Longest head, chunk line or event line that a sane answer has.
const MAX_LINE: usize = 1 << 20;
const READ: usize = 16 * 1024;

/// What the status line and headers said.
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Leads to the next page of a list.
    pub(crate) next_cursor: Option<String>,
    body: Body,
    close: bool,
}

enum Body {
    Length(usize),
    Chunked,
}

/// A connection to the server under test.
pub(crate) struct Connection {
    stream: TcpStream,
    key: String,
    // Bytes that came and weren't used yet are `raw[start..]`.
    raw: Vec<u8>,
    start: usize,
    // What is left of the body that is being read.
    body: Remaining,
    reusable: bool,
}

enum Remaining {
    /// No body, or its end has been seen.
    Nothing,
    Length(usize),
    /// Bytes left of the current chunk; 0 is before a chunk's size line.
    Chunk(usize),
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr, key: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("can't connect")?;
        Self::over(stream, key)
    }

    /// A connection from one of this machine's own addresses.
    pub(crate) async fn open_from(from: Ipv4Addr, to: SocketAddr, key: &str) -> Result<Self> {
        let socket = TcpSocket::new_v4().context("can't make a socket")?;
        socket
            .bind((from, 0).into())
            .context("can't take the address")?;
        let stream = socket.connect(to).await.context("can't connect")?;
        Self::over(stream, key)
    }

    fn over(stream: TcpStream, key: &str) -> Result<Self> {
        stream.set_nodelay(true).context("can't set TCP_NODELAY")?;
        Ok(Self {
            stream,
            key: key.to_owned(),
            raw: Vec::new(),
            start: 0,
            body: Remaining::Nothing,
            reusable: true,
        })
    }

    /// Whether another request may follow on this connection.
    pub(crate) fn is_reusable(&self) -> bool {
        self.reusable && matches!(self.body, Remaining::Nothing)
    }

    /// Sends a request and reads the head of its answer. A body is JSON.
    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &str) -> Result<Head> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\n",
            self.key
        );
        if !body.is_empty() {
            request.push_str("content-type: application/json\r\n");
        }
        if method != "GET" {
            request.push_str("content-length: ");
            request.push_str(&body.len().to_string());
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        request.push_str(body);
        self.stream
            .write_all(request.as_bytes())
            .await
            .context("can't send")?;
        self.head().await
    }

    /// Sends a request and reads the whole answer, which must have the status `expected`.
    pub(crate) async fn call(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
        expected: u16,
    ) -> Result<Vec<u8>> {
        let head = self.send(method, path, body).await?;
        let mut answer = Vec::new();
        while self.read_body(&mut answer).await? {}
        ensure!(
            head.status == expected,
            "{method} answered {}: {}",
            head.status,
            String::from_utf8_lossy(&answer)
        );
        Ok(answer)
    }

    async fn head(&mut self) -> Result<Head> {
        let end = loop {
            if let Some(end) = find(&self.raw[self.start..], b"\r\n\r\n") {
                break self.start + end;
            }
            ensure!(self.raw.len() - self.start < MAX_LINE, "endless head");
            self.fill().await?;
        };
        let head = parse_head(&self.raw[self.start..end])?;
        self.start = end + 4;
        self.reusable = !head.close;
        self.body = match head.body {
            Body::Length(0) => Remaining::Nothing,
            Body::Length(length) => Remaining::Length(length),
            Body::Chunked => Remaining::Chunk(0),
        };
        Ok(head)
    }

    /// Appends what comes next of the body to `out`; false at its end.
    ///
    /// Dropping the future loses nothing: bytes leave the buffer only after the last await.
    pub(crate) async fn read_body(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        loop {
            match self.body {
                Remaining::Nothing => return Ok(false),
                Remaining::Length(left) => {
                    let taken = self.take(left, out);
                    if taken == 0 {
                        self.fill().await?;
                        continue;
                    }
                    self.body = match left - taken {
                        0 => Remaining::Nothing,
                        left => Remaining::Length(left),
                    };
                    return Ok(true);
                }
                Remaining::Chunk(0) => {
                    let Some(size) = self.chunk_size()? else {
                        self.fill().await?;
                        continue;
                    };
                    if size == 0 {
                        self.body = Remaining::Nothing;
                        return Ok(false);
                    }
                    // The line end that closes the chunk counts as two more bytes of it.
                    self.body = Remaining::Chunk(size + 2);
                }
                Remaining::Chunk(left) => {
                    let taken = self.take_of_chunk(left, out);
                    if taken == 0 {
                        self.fill().await?;
                        continue;
                    }
                    self.body = Remaining::Chunk(left - taken);
                    if left > 2 {
                        return Ok(true);
                    }
                }
            }
        }
    }

    fn take(&mut self, limit: usize, out: &mut Vec<u8>) -> usize {
        let taken = limit.min(self.raw.len() - self.start);
        out.extend_from_slice(&self.raw[self.start..self.start + taken]);
        self.start += taken;
        taken
    }

    /// Takes up to `left` bytes, the last two of which are the chunk's line end and not data.
    fn take_of_chunk(&mut self, left: usize, out: &mut Vec<u8>) -> usize {
        let taken = self.take(left.saturating_sub(2), out);
        if taken + 2 < left {
            return taken;
        }
        let closing = (left - taken).min(self.raw.len() - self.start);
        self.start += closing;
        taken + closing
    }

    /// The size on the next chunk's line, when the whole line is here. For the last chunk its
    /// empty trailer must be here too.
    fn chunk_size(&mut self) -> Result<Option<usize>> {
        let here = &self.raw[self.start..];
        let Some(end) = find(here, b"\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&here[..end]).context("chunk size is no text")?;
        let size = usize::from_str_radix(text.split(';').next().unwrap_or_default().trim(), 16)
            .with_context(|| format!("no chunk size: {text}"))?;
        if size == 0 {
            if here.len() < end + 4 {
                return Ok(None);
            }
            ensure!(&here[end + 2..end + 4] == b"\r\n", "trailers after a body");
            self.start += 2;
        }
        self.start += end + 2;
        Ok(Some(size))
    }

    /// Reads more bytes behind those that are here.
    async fn fill(&mut self) -> Result<()> {
        if self.start == self.raw.len() {
            self.raw.clear();
            self.start = 0;
        } else if self.start > READ {
            self.raw.drain(..self.start);
            self.start = 0;
        }
        self.raw.reserve(READ);
        let read = self
            .stream
            .read_buf(&mut self.raw)
            .await
            .context("can't receive")?;
        if read == 0 {
            self.reusable = false;
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

fn parse_head(head: &[u8]) -> Result<Head> {
    let text = std::str::from_utf8(head).context("the head is no text")?;
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|digits| digits.parse().ok())
        .with_context(|| format!("no HTTP/1.1 status line: {status_line}"))?;
    let mut body = Body::Length(0);
    let (mut close, mut next_cursor) = (false, None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            body = Body::Length(value.parse().context("no content length")?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            ensure!(value.eq_ignore_ascii_case("chunked"), "unknown encoding");
            body = Body::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            close = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("x-next-cursor") {
            next_cursor = Some(value.to_owned());
        }
    }
    Ok(Head {
        status,
        next_cursor,
        body,
        close,
    })
}

/// Where `wanted` begins in `text`.
pub(crate) fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A connection to a peer that answers with `pieces`, each in a segment of its own.
    async fn answered_by(pieces: &'static [&'static str]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut peer, _) = listener.accept().await.unwrap();
            peer.set_nodelay(true).unwrap();
            let mut request = [0; 1024];
            let _ = peer.read(&mut request).await.unwrap();
            for piece in pieces {
                peer.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        Connection::open(address, "rl_key").await.unwrap()
    }

    #[tokio::test]
    async fn a_body_of_known_length_is_read_whole() {
        let mut connection =
            answered_by(&["HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhe", "llo"]).await;
        let body = connection.call("POST", "/", "{}", 201).await.unwrap();
        assert_eq!(body, b"hello");
        assert!(connection.is_reusable());
    }

    #[tokio::test]
    async fn chunks_are_joined_wherever_they_are_cut() {
        let mut connection = answered_by(&[
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r",
            "\n1",
            "0\r\n0123456789abcdef\r\n",
            "0\r",
            "\n\r\n",
        ])
        .await;
        let body = connection.call("GET", "/", "", 200).await.unwrap();
        assert_eq!(body, b"abc0123456789abcdef");
        assert!(connection.is_reusable());
    }

    #[tokio::test]
    async fn a_cut_body_is_an_error() {
        let mut connection =
            answered_by(&["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab"]).await;
        assert!(connection.call("GET", "/", "", 200).await.is_err());
        assert!(!connection.is_reusable());
    }
}
