//! A provider that sends exactly the bytes it is told to.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// What the provider does after it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Is silent for so long.
    Pause(Duration),
    /// Closes the connection in good order; without it, it stays open.
    Close,
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: serde_json::Value,
}

/// A provider on the loopback interface; gone when dropped.
pub(crate) struct Provider {
    /// Its base URL.
    pub(crate) url: String,
    seen: mpsc::UnboundedReceiver<Seen>,
    ends: mpsc::UnboundedReceiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    /// Answers each request by `steps`.
    pub(crate) async fn answering(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (seen_sender, seen) = mpsc::unbounded_channel();
        let (end_sender, ends) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (steps, seen, ends) = (steps.clone(), seen_sender.clone(), end_sender.clone());
                tokio::spawn(async move {
                    // The test that has finished listens no longer.
                    let _ = ends.send(serve(connection, steps, &seen).await);
                });
            }
        });
        Self {
            url,
            seen,
            ends,
            task,
        }
    }

    /// The next request.
    pub(crate) async fn request(&mut self) -> Seen {
        let seen = timeout(Duration::from_secs(20), self.seen.recv()).await;
        seen.expect("a request comes").unwrap()
    }

    /// Waits for the end of a connection and returns how many bytes were sent over it.
    pub(crate) async fn connection_end(&mut self) -> usize {
        self.ends.recv().await.unwrap()
    }
}

async fn serve(
    connection: TcpStream,
    steps: Vec<Step>,
    seen: &mpsc::UnboundedSender<Seen>,
) -> usize {
    let mut connection = BufReader::new(connection);
    let Some(request) = read_request(&mut connection).await else {
        return 0;
    };
    let _ = seen.send(request);
    let mut sent = 0;
    for step in steps {
        match step {
            Step::Pause(time) => sleep(time).await,
            Step::Close => return sent,
            Step::Send(bytes) => {
                for part in bytes.chunks(16 * 1024) {
                    if connection.write_all(part).await.is_err() {
                        return sent;
                    }
                    sent += part.len();
                }
            }
        }
    }
    // Ends when the client closes, in whatever way.
    let _ = connection.read(&mut [0; 1]).await;
    sent
}

async fn read_request(connection: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    connection.read_exact(&mut body).await.ok()?;
    let body = serde_json::from_slice(&body).ok()?;
    Some(Seen { head, body })
}
