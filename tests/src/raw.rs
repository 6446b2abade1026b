use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::soon;

/// A connection that sends exactly the bytes it is given, for what a proper client never does.
#[derive(Debug)]
pub struct RawConnection(TcpStream);

impl RawConnection {
    /// Connects to a `http://address:port`.
    pub async fn open(base: &str) -> Self {
        let address = base.strip_prefix("http://").expect("a base URL");
        Self(TcpStream::connect(address).await.expect("it listens"))
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A server that has refused already may have closed; its answer tells.
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Reads bytes until `part` has come or the connection is closed.
    pub async fn until(&mut self, part: &str) -> String {
        let mut received = Vec::new();
        soon(part, async {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = self.0.read(&mut buffer).await {
                // The part may have begun in what came before.
                let searched = received.len().saturating_sub(part.len());
                received.extend_from_slice(&buffer[..read]);
                let mut windows = received[searched..].windows(part.len());
                if windows.any(|window| window == part.as_bytes()) {
                    break;
                }
            }
        })
        .await;
        String::from_utf8_lossy(&received).into_owned()
    }

    /// Reads one answer with a `Content-Length` and returns its status and body.
    pub async fn answer(&mut self) -> (u16, String) {
        let mut text = self.until("\r\n\r\n").await;
        let head_end = text.find("\r\n\r\n").expect("an answer") + 4;
        let head = text[..head_end].to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        while text.len() < head_end + length {
            let mut buffer = [0; 4096];
            let read = soon("the body", self.0.read(&mut buffer)).await;
            let read = read.expect("a whole body");
            assert_ne!(read, 0, "the body was cut: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        (status.expect("a status line"), text[head_end..].to_owned())
    }
}
