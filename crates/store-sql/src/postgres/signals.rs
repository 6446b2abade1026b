//! Hints by LISTEN and NOTIFY, on one connection outside the pools.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use runloom_store::signals::{decode, encode};
use runloom_store::{Hint, Signals};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client};

use super::connect::{RawConnection, Target};

/// The channel; PostgreSQL keeps those of its databases apart.
const CHANNEL: &str = "runloom_hints";

/// What the connection is called where the database lists its sessions.
const SESSION: &str = "runloom hints";

/// PostgreSQL takes payloads below 8,000 bytes.
const MAX_BYTES: usize = 7_900;

/// How many messages wait on either side; what is beyond is dropped.
const WAITING: usize = 1_024;

/// How long the database may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The first and the longest wait before the connection is made again.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Carries hints over the database. Each batch of them is one notification, sent after the
/// commit that it tells of: sent within it, commits would wait for each other.
pub(super) struct PostgresSignals {
    outbox: mpsc::Sender<Vec<String>>,
    inbox: Mutex<mpsc::Receiver<Vec<Hint>>>,
    dropped: Dropped,
}

/// Counts what is dropped.
#[derive(Clone, Default)]
struct Dropped(Arc<AtomicU64>);

impl Dropped {
    fn add(&self, hints: usize) {
        self.0.fetch_add(hints as u64, Ordering::Relaxed);
    }
}

/// Where the hints of other nodes go.
#[derive(Clone)]
struct Inbox {
    hints: mpsc::Sender<Vec<Hint>>,
    dropped: Dropped,
}

impl Inbox {
    /// A full inbox means that this node is slow: it then looks by itself.
    fn put(&self, hints: Vec<Hint>) {
        let count = hints.len();
        if self.hints.try_send(hints).is_err() {
            self.dropped.add(count);
        }
    }
}

impl PostgresSignals {
    /// Connects in the background, again and again, until it is dropped.
    pub(super) fn start(target: Target) -> Self {
        let (outbox, told) = mpsc::channel(WAITING);
        let (hints, inbox) = mpsc::channel(WAITING);
        let dropped = Dropped::default();
        let heard = Inbox {
            hints,
            dropped: dropped.clone(),
        };
        let runtime = target.runtime().clone();
        runtime.spawn(carry(target, told, heard));
        Self {
            outbox,
            inbox: Mutex::new(inbox),
            dropped,
        }
    }
}

#[async_trait]
impl Signals for PostgresSignals {
    fn tell(&self, hints: &[Hint]) {
        // A full outbox means that the database is slow or away: hints are then of no use.
        if self.outbox.try_send(encode(hints, MAX_BYTES)).is_err() {
            self.dropped.add(hints.len());
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped.0.load(Ordering::Relaxed)
    }

    async fn heard(&self) -> Vec<Hint> {
        match self.inbox.lock().await.recv().await {
            Some(hints) => hints,
            // The task that carries them ends only with the runtime.
            None => std::future::pending().await,
        }
    }
}

async fn carry(target: Target, mut told: mpsc::Receiver<Vec<String>>, heard: Inbox) {
    let mut wait = RETRY.0;
    loop {
        match Session::connect(&target, heard.clone()).await {
            Ok(mut session) => {
                wait = RETRY.0;
                // Nobody listened until now.
                heard.put(vec![Hint::Missed]);
                match session.send_all(&mut told).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, "the connection for hints is broken"),
                }
            }
            Err(error) => tracing::warn!(%error, "there is no connection for hints"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY.1);
    }
}

/// One connection that listens and notifies.
struct Session {
    client: Client,
    listening: JoinHandle<()>,
}

impl Session {
    async fn connect(target: &Target, heard: Inbox) -> Result<Self, String> {
        let (client, connection) = target.connect_raw(SESSION).await?;
        let (own, me) = tokio::sync::oneshot::channel();
        let listening = tokio::spawn(listen(connection, me, heard));
        let session = Self { client, listening };
        let row = answered(session.client.query_one("SELECT pg_backend_pid()", &[])).await?;
        let _ = own.send(row.get(0));
        let listen = format!("LISTEN {CHANNEL}");
        answered(session.client.batch_execute(&listen)).await?;
        Ok(session)
    }

    /// Sends what is told, as much as waits at once; ends when nobody tells any more.
    async fn send_all(&mut self, told: &mut mpsc::Receiver<Vec<String>>) -> Result<(), String> {
        let notify = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload";
        let notify = answered(self.client.prepare(notify)).await?;
        let mut batches = Vec::new();
        loop {
            tokio::select! {
                n = told.recv_many(&mut batches, WAITING) => if n == 0 {
                    return Ok(());
                },
                _ = &mut self.listening => return Err("it was closed".to_owned()),
            }
            let messages: Vec<String> = batches.drain(..).flatten().collect();
            answered(self.client.query(&notify, &[&CHANNEL, &messages])).await?;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn answered<T>(
    question: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, String> {
    match tokio::time::timeout(ANSWER, question).await {
        Ok(answer) => answer.map_err(|error| super::connect::describe(&error)),
        Err(_) => Err("the database does not answer".to_owned()),
    }
}

/// Drives the connection and passes on what others notify, until it is closed.
async fn listen(
    mut connection: RawConnection,
    mut me: tokio::sync::oneshot::Receiver<i32>,
    heard: Inbox,
) {
    let mut own = None;
    loop {
        let message = std::future::poll_fn(|cx| connection.poll_message(cx)).await;
        own = own.or_else(|| me.try_recv().ok());
        match message {
            Some(Ok(AsyncMessage::Notification(told))) if Some(told.process_id()) != own => {
                heard.put(decode(told.payload()));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return,
        }
    }
}
