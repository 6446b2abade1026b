//! Text over a subject of NATS, to whoever listens at that moment.

mod events;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;
use tokio::sync::{Mutex, Notify, mpsc};

use events::Events;

pub use settings::{NatsError, NatsSettings};

/// How many messages wait on either side; what is beyond is dropped.
const WAITING: usize = 1_024;

/// How long a message may wait for the connection to take it.
const SEND: Duration = Duration::from_millis(50);

/// What comes from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A message.
    Text(String),
    /// Messages may have been lost before this.
    Gap,
}

/// One subject: what is published here is received by all others who are connected, and not by
/// this one.
///
/// Delivery is at most once. While there is no connection everything is dropped; it is made
/// again by itself, and a [`Received::Gap`] tells of it.
#[derive(Debug)]
pub struct Subject {
    outbox: mpsc::Sender<Vec<String>>,
    inbox: Mutex<Subscriber>,
    gap: Arc<Notify>,
    dropped: Arc<AtomicU64>,
}

impl Subject {
    /// Listens to the subject. The connection is made in the background, again and again, so a
    /// server that is away is no error; wrong settings and unreadable files are.
    pub async fn join(settings: NatsSettings) -> Result<Self, NatsError> {
        let gap = Arc::new(Notify::new());
        let events = Events::new(Arc::clone(&gap));
        let options = settings.options().await?;
        let client = options
            .subscription_capacity(WAITING)
            .event_callback(move |event| {
                events.take(&event);
                std::future::ready(())
            })
            .connect(settings.servers()?)
            .await
            .map_err(NatsError::connection)?;
        let inbox = client.subscribe(settings.subject.clone()).await;
        let inbox = Mutex::new(inbox.map_err(|_| NatsError::Subject(settings.subject.clone()))?);
        let (outbox, waiting) = mpsc::channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let sending = send(client, settings.subject, waiting, Arc::clone(&dropped));
        tokio::spawn(sending);
        Ok(Self {
            outbox,
            inbox,
            gap,
            dropped,
        })
    }

    /// Sends messages. Never waits: what can't be sent now is dropped.
    pub fn publish(&self, messages: Vec<String>) {
        let count = messages.len() as u64;
        // A full outbox means that the server is slow or away.
        if self.outbox.try_send(messages).is_err() {
            self.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// How many messages were dropped on the way out since the beginning.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What comes next. Cancel safe; one task calls it.
    pub async fn next(&self) -> Received {
        let mut inbox = self.inbox.lock().await;
        tokio::select! {
            () = self.gap.notified() => Received::Gap,
            message = inbox.next() => match message {
                Some(message) => {
                    Received::Text(String::from_utf8_lossy(&message.payload).into_owned())
                }
                // The client goes on connecting for ever; only its runtime's end ends it.
                None => std::future::pending().await,
            },
        }
    }
}

/// Sends what waits until the subject is dropped.
async fn send(
    client: Client,
    subject: String,
    mut waiting: mpsc::Receiver<Vec<String>>,
    dropped: Arc<AtomicU64>,
) {
    let subject = async_nats::Subject::from(subject);
    while let Some(messages) = waiting.recv().await {
        let mut left = messages.len() as u64;
        // The client would keep them for the next connection, and by then they are of no use.
        if client.connection_state() == State::Connected {
            for message in messages {
                let sent = client.publish(subject.clone(), message.into());
                if !matches!(tokio::time::timeout(SEND, sent).await, Ok(Ok(()))) {
                    break;
                }
                left -= 1;
            }
        }
        dropped.fetch_add(left, Ordering::Relaxed);
    }
}
