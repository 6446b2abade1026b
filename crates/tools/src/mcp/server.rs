//! One server: the connection it has, or had, and will have.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::backoff::{Backoff, random};
use super::catalog::Catalog;
use super::connection::Connection;
use super::error::McpError;
use super::pool::Shared;
use super::spec::McpServerSpec;

/// How long a call waits for a server that is about to be tried again.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Server {
    pub(super) spec: Arc<McpServerSpec>,
    slot: tokio::sync::Mutex<Slot>,
    /// Counts tries to connect, so that those who waited for one share what came of it.
    tries: AtomicU64,
    /// The tools that were listed last, by whichever connection.
    known: Mutex<Option<Arc<Catalog>>>,
    used: Mutex<Instant>,
    /// Whether the pool has let it go. Whoever still holds it must not connect to it again:
    /// nobody would end that connection.
    retired: AtomicBool,
}

#[derive(Default)]
struct Slot {
    connection: Option<Arc<Connection>>,
    backoff: Backoff,
    failed: Option<McpError>,
}

impl Server {
    pub(super) fn new(spec: Arc<McpServerSpec>) -> Self {
        Self {
            spec,
            slot: tokio::sync::Mutex::default(),
            tries: AtomicU64::new(0),
            known: Mutex::default(),
            used: Mutex::new(Instant::now()),
            retired: AtomicBool::new(false),
        }
    }

    /// Its connection; makes one if there is none.
    pub(super) async fn connection(&self, shared: &Shared) -> Result<Arc<Connection>, McpError> {
        self.touch();
        let tries = self.tries.load(Ordering::Acquire);
        let mut slot = self.slot.lock().await;
        if self.retired.load(Ordering::Acquire) {
            let why = "it was changed or removed since the call began";
            return Err(McpError::Unavailable(why.into()));
        }
        if let Some(live) = slot.live() {
            return Ok(live);
        }
        if tries != self.tries.load(Ordering::Acquire)
            && let Some(failed) = &slot.failed
        {
            return Err(failed.clone());
        }
        let wait = slot.backoff.wait();
        if wait > PATIENCE {
            return Err(slot.resting(wait));
        }
        sleep(wait).await;
        // A try that nobody waits for any more leaves nothing for those behind it.
        slot.failed = None;
        self.tries.fetch_add(1, Ordering::AcqRel);
        let opened = self.open(shared).await;
        match opened {
            Ok(connection) => {
                let connection = Arc::new(connection);
                slot.connection = Some(Arc::clone(&connection));
                slot.failed = None;
                Ok(connection)
            }
            Err(error) => {
                tracing::warn!(server = self.spec.id, %error, "a server of tools is not there");
                slot.backoff.failed(Duration::ZERO, random());
                slot.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn open(&self, shared: &Shared) -> Result<Connection, McpError> {
        let permit = shared.permit().await?;
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => Err(McpError::Unavailable("we are stopping".into())),
            opened = Connection::open(&self.spec, shared, permit) => opened,
        }
    }

    /// Its tools as of now.
    pub(super) async fn catalog(&self, connection: &Connection) -> Result<Arc<Catalog>, McpError> {
        let catalog = connection.catalog(&self.spec).await?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&catalog));
        Ok(catalog)
    }

    /// Its tools as they were listed last.
    pub(super) fn known(&self) -> Option<Arc<Catalog>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Notes that somebody wants to use it.
    pub(super) fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a connection that nobody uses was used last.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let slot = self.slot.try_lock().ok()?;
        let is_idle = slot.connection.as_ref()?.is_idle();
        is_idle.then(|| self.used())
    }

    /// When it was used last, if nobody uses it, with a connection or without.
    pub(super) fn unused_since(&self) -> Option<Instant> {
        let slot = self.slot.try_lock().ok()?;
        let busy = slot.connection.as_ref().is_some_and(|open| !open.is_idle());
        (!busy).then(|| self.used())
    }

    /// Ends its connection for good.
    pub(super) async fn retire(&self) {
        // Before the slot is looked at: who holds it now is waited for, who comes later sees it.
        self.retired.store(true, Ordering::Release);
        self.close().await;
    }

    /// Ends its connection. The next call makes another.
    pub(super) async fn close(&self) {
        let connection = self.slot.lock().await.connection.take();
        if let Some(connection) = connection {
            connection.close().await;
        }
    }
}

impl Slot {
    /// The connection, if it lives. One that died is put away, and counts as a failure.
    fn live(&mut self) -> Option<Arc<Connection>> {
        let connection = self.connection.as_ref()?;
        if !connection.is_dead() {
            return Some(Arc::clone(connection));
        }
        let dead = self.connection.take()?;
        tracing::warn!(why = dead.why(), "a server of tools has died");
        self.backoff.failed(dead.since.elapsed(), random());
        self.failed = Some(McpError::Unavailable(dead.why()));
        tokio::spawn(async move { dead.close().await });
        None
    }

    fn resting(&self, wait: Duration) -> McpError {
        let why = match &self.failed {
            Some(McpError::Unavailable(why)) => why.clone(),
            Some(error) => error.to_string(),
            None => "it failed".into(),
        };
        let seconds = wait.as_secs() + 1;
        McpError::Unavailable(format!("{why}; it is tried again in {seconds} s"))
    }
}
