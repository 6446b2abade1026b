//! Requests as genai builds them.
//!
//! genai knows each provider's request format, but its public interface only builds a request
//! in order to send it. So genai sends to a desk in this process, on the loopback interface,
//! which keeps the body that comes, and the providers are sent that. The desk recognises a
//! request by a random word in a header of its own; of the API key genai knows nothing.
//! `docs/design/provider-streams.md` has the reasons.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use genai::adapter::AdapterKind;
use genai::chat::{ChatOptions, ChatRequest};
use genai::resolver::{AuthData, Endpoint};
use genai::{Headers, ModelIden, ServiceTarget};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OnceCell, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// A whole exchange takes far less than a millisecond; this ends one that is stuck.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the desk rests when it can't take a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Longer request heads are no work of genai's.
const MAX_HEAD_BYTES: u64 = 64 * 1024;
/// Longer conversations fit no model's context.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// An answer without events, which every format's reader takes for one that has ended.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                        content-length: 0\r\n\r\n";
/// The header in which a request shows its word.
const WORD_HEADER: &str = "x-draft-word";

/// genai could not build a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    #[error("can't open the drafting desk")]
    Desk(#[source] std::io::Error),
    #[error("can't draw a random word")]
    Random(#[source] getrandom::Error),
    #[error("genai can't build the request")]
    Genai(#[source] genai::Error),
    #[error("the request did not arrive whole")]
    Lost,
}

/// What genai is asked to put into a provider's words.
pub(crate) struct Order<'a> {
    /// The provider's format.
    pub(crate) format: AdapterKind,
    /// The model, which is sent under exactly this name.
    pub(crate) model: &'a str,
    /// The conversation.
    pub(crate) chat: ChatRequest,
    /// Everything else.
    pub(crate) options: ChatOptions,
}

/// Has requests built by genai. The desk opens with the first one.
#[derive(Debug)]
pub(crate) struct Drafts {
    genai: genai::Client,
    desk: OnceCell<Desk>,
}

impl Drafts {
    /// `client` carries the requests to the desk.
    pub(crate) fn new(client: reqwest::Client) -> genai::Result<Self> {
        Ok(Self {
            genai: genai::Client::builder().with_reqwest(client).build()?,
            desk: OnceCell::new(),
        })
    }

    /// Builds the body of a request. Dropping the future leaves nothing behind.
    pub(crate) async fn draft(&self, order: Order<'_>) -> Result<Map<String, Value>, DraftError> {
        let desk = self.desk.get_or_try_init(Desk::open).await?;
        let mut ticket = desk.ticket()?;
        let target = ServiceTarget {
            endpoint: Endpoint::from_owned(format!(
                "http://{}:{}/",
                Ipv4Addr::LOCALHOST,
                desk.port
            )),
            auth: AuthData::from_single("none"),
            model: ModelIden::new(order.format, order.model),
        };
        let options = ChatOptions {
            extra_headers: Some(Headers::from((WORD_HEADER, ticket.word.as_str()))),
            ..order.options
        };
        let sending = async {
            let sent = self
                .genai
                .exec_chat_stream(target, order.chat, Some(&options))
                .await;
            let mut stream = sent.map_err(DraftError::Genai)?.stream;
            // genai sends when its stream is read; what it makes of the answer is no matter.
            while stream.next().await.is_some_and(|event| event.is_ok()) {}
            Ok(())
        };
        timeout(EXCHANGE_TIMEOUT, sending)
            .await
            .map_err(|_| DraftError::Lost)??;
        let body = ticket.request.try_recv().map_err(|_| DraftError::Lost)?;
        serde_json::from_slice(&body).map_err(|_| DraftError::Lost)
    }
}

/// Requests that are on their way to the desk, by the word they will show.
type Awaited = Arc<Mutex<Waiting>>;
type Waiting = HashMap<String, oneshot::Sender<Vec<u8>>>;

#[derive(Debug)]
struct Desk {
    port: u16,
    awaited: Awaited,
    listener: AbortHandle,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Desk {
    async fn open() -> Result<Self, DraftError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(DraftError::Desk)?;
        let port = listener.local_addr().map_err(DraftError::Desk)?.port();
        let awaited = Awaited::default();
        let task = tokio::spawn(accept(listener, Arc::clone(&awaited)));
        Ok(Self {
            port,
            awaited,
            listener: task.abort_handle(),
        })
    }

    fn ticket(&self) -> Result<Ticket, DraftError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(DraftError::Random)?;
        let word = format!("{:032x}", u128::from_ne_bytes(random));
        let (sender, request) = oneshot::channel();
        lock(&self.awaited).insert(word.clone(), sender);
        Ok(Ticket {
            word,
            request,
            awaited: Arc::clone(&self.awaited),
        })
    }
}

/// The right to one request; forgotten when dropped.
struct Ticket {
    word: String,
    request: oneshot::Receiver<Vec<u8>>,
    awaited: Awaited,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.awaited).remove(&self.word);
    }
}

fn lock(awaited: &Awaited) -> MutexGuard<'_, Waiting> {
    // No code that holds the lock can panic half-way through a change.
    awaited.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, awaited: Awaited) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((connection, _)) => {
                connections.spawn(serve(connection, Arc::clone(&awaited)));
            }
            // The connection is gone already, or file descriptors have run out: then the drafts
            // that wait report it, and trying again at once would only burn the processor.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Takes requests from one connection, until it closes or shows no awaited word.
async fn serve(connection: TcpStream, awaited: Awaited) {
    let mut connection = BufReader::new(connection);
    while let Some(head) = read_head(&mut connection).await {
        let Some(waiting) = lock(&awaited).remove(&head.word) else {
            return;
        };
        let mut body = vec![0; head.body_bytes];
        if connection.read_exact(&mut body).await.is_err() {
            return;
        }
        // The receiver may be gone: then nobody wants the request any more.
        let _ = waiting.send(body);
        if connection.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}

struct Head {
    word: String,
    body_bytes: usize,
}

async fn read_head(connection: &mut BufReader<TcpStream>) -> Option<Head> {
    let mut lines = connection.take(MAX_HEAD_BYTES);
    let mut line = String::new();
    // The request line says nothing that we don't know.
    lines.read_line(&mut line).await.ok()?;
    let (mut word, mut body_bytes) = (None, None);
    loop {
        line.clear();
        lines.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            // The empty line that ends the head, or the end of the connection.
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            WORD_HEADER => word = Some(value.trim().to_owned()),
            "content-length" => body_bytes = value.trim().parse().ok(),
            _ => {}
        }
    }
    Some(Head {
        word: word?,
        body_bytes: body_bytes.filter(|bytes| *bytes <= MAX_BODY_BYTES)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the desk answers to `request`; nothing when it closes.
    async fn answer(desk: &Desk, request: &str) -> String {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, desk.port))
            .await
            .unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 1024];
        // A connection that is closed with something unread may end in an error.
        let length = connection.read(&mut answer).await.unwrap_or(0);
        String::from_utf8(answer[..length].to_vec()).unwrap()
    }

    fn post(word: &str, length: usize, body: &str) -> String {
        format!(
            "POST /v1/x?y=1 HTTP/1.1\r\nX-Draft-Word: {word}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    }

    #[tokio::test]
    async fn the_desk_takes_what_is_awaited_and_nothing_else() {
        let desk = Desk::open().await.unwrap();
        let mut ticket = desk.ticket().unwrap();
        let word = ticket.word.clone();
        assert_eq!(answer(&desk, &post("another", 2, "{}")).await, "");
        assert_eq!(answer(&desk, "GET / HTTP/1.1\r\n\r\n").await, "");
        assert_eq!(answer(&desk, &post(&word, usize::MAX, "{}")).await, "");
        assert!(ticket.request.try_recv().is_err());
        let taken = answer(&desk, &post(&word, 2, "{}")).await;
        assert!(taken.starts_with("HTTP/1.1 200 OK"));
        assert_eq!(ticket.request.try_recv().unwrap(), b"{}");
        // A word is good for one request.
        assert_eq!(answer(&desk, &post(&word, 2, "{}")).await, "");
    }

    #[tokio::test]
    async fn a_ticket_that_is_dropped_is_forgotten() {
        let desk = Desk::open().await.unwrap();
        let word = desk.ticket().unwrap().word.clone();
        assert!(lock(&desk.awaited).is_empty());
        assert_eq!(answer(&desk, &post(&word, 2, "{}")).await, "");
    }
}
