use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ErrorData, RequestId, ServerNotification};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Pipes;
use super::lines::{Lines, Read};
use crate::mcp::fault::Fault;
use crate::mcp::pace::Pace;

/// How many lines that are no messages a server may write between two that are.
const JUNK: usize = 1_000;

/// How long a server may leave a message unread.
const UNREAD: Duration = Duration::from_secs(10);

/// How long a process may take to end after it closed its output.
const ENDING: Duration = Duration::from_millis(200);

/// One message a line, by the streams of a process.
pub(in crate::mcp) struct StdioTransport {
    lines: Lines<ChildStdout>,
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    longest: usize,
    junk: usize,
    pace: Pace,
    fault: Fault,
}

impl StdioTransport {
    pub(in crate::mcp) fn new(pipes: Pipes, longest: usize, fault: Fault) -> Self {
        Self {
            lines: Lines::new(pipes.stdout, longest),
            stdin: Arc::new(Mutex::new(Some(pipes.stdin))),
            longest,
            junk: 0,
            pace: Pace::new(),
            fault,
        }
    }

    /// The next message that matters, or `None` when there will be none, which
    /// [`Self::fault`] explains.
    async fn next(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            self.pace.ready().await;
            match self.lines.read().await {
                Ok(Read::Whole) => {}
                Ok(Read::TooLong) => {
                    self.fault.set(format!(
                        "it sent a message of more than {} bytes",
                        self.longest
                    ));
                    return None;
                }
                Ok(Read::End) => {
                    // The process's end says more, and follows at once if that is why.
                    let _ = timeout(ENDING, self.fault.happened()).await;
                    self.fault.set("it closed its output");
                    return None;
                }
                Err(error) => {
                    self.fault.set(format!("its output can't be read: {error}"));
                    return None;
                }
            }
            let line = self.lines.line();
            let read = serde_json::from_slice(line).or_else(|_| unreadable(line).ok_or(()));
            self.pace.heard(self.lines.line().len());
            self.lines.clear();
            match read {
                Ok(message) if matters(&message) => {
                    self.junk = 0;
                    return Some(message);
                }
                Ok(_) => self.junk = 0,
                Err(()) => self.junk += 1,
            }
            if self.junk > JUNK {
                self.fault
                    .set(format!("it wrote {JUNK} lines that are no messages"));
                return None;
            }
        }
    }
}

/// What stands for an answer that can't be read, because it nests too deep for instance, so that
/// its request fails at once. `None` for what is no answer.
fn unreadable(line: &[u8]) -> Option<RxJsonRpcMessage<RoleClient>> {
    #[derive(Deserialize)]
    struct Envelope {
        id: RequestId,
        // Skipped without being read, however deep it is.
        result: Option<IgnoredAny>,
    }
    let envelope: Envelope = serde_json::from_slice(line).ok()?;
    envelope.result?;
    let error = ErrorData::internal_error("its answer can't be read", None);
    Some(RxJsonRpcMessage::<RoleClient>::error(
        error,
        Some(envelope.id),
    ))
}

/// Log messages and news about resources and prompts concern nobody here, and a server may
/// send any number of them.
fn matters(message: &RxJsonRpcMessage<RoleClient>) -> bool {
    match message {
        RxJsonRpcMessage::<RoleClient>::Notification(message) => matches!(
            message.notification,
            ServerNotification::CancelledNotification(_)
                | ServerNotification::ProgressNotification(_)
                | ServerNotification::ToolListChangedNotification(_)
                | ServerNotification::SubscriptionsAcknowledgedNotification(_)
        ),
        _ => true,
    }
}

impl Transport<RoleClient> for StdioTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let stdin = Arc::clone(&self.stdin);
        let fault = self.fault.clone();
        async move {
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            timeout(UNREAD, write(&stdin, &line))
                .await
                .unwrap_or_else(|_| {
                    fault.set("it doesn't read what it is sent");
                    Err(io::ErrorKind::TimedOut.into())
                })
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        self.next().await
    }

    async fn close(&mut self) -> io::Result<()> {
        // Who still writes holds it until it is done or gives up; the process ends anyway.
        if let Ok(mut stdin) = self.stdin.try_lock() {
            drop(stdin.take());
        }
        Ok(())
    }
}

async fn write(stdin: &Mutex<Option<ChildStdin>>, line: &[u8]) -> io::Result<()> {
    let mut stdin = stdin.lock().await;
    // Taken out, so that a message that was cut off is followed by no other.
    let mut open = stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    open.write_all(line).await?;
    open.flush().await?;
    *stdin = Some(open);
    Ok(())
}
