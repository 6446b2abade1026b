//! What a node remembers of organisations' configurations.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use runloom_domain::OrgId;
use runloom_store::{ConfigStore, StoreError};

/// How many organisations' configurations are remembered.
const REMEMBERED: usize = 10_000;

/// How long nobody asks whether what is remembered is still so.
const FRESH: Duration = Duration::from_secs(1);

/// A part of each organisation's configuration.
///
/// What is remembered is asked for its version once a second, which is one look at one row; so
/// what another node writes is seen a second later. What this node writes is seen at once.
pub(crate) struct Remembered<T> {
    store: Arc<dyn ConfigStore>,
    known: Cache<OrgId, Arc<Known<T>>>,
    /// Counts what this node has written, so that nothing that was read before is remembered
    /// after.
    generation: AtomicU64,
}

/// What is remembered, in one version.
struct Known<T> {
    version: u64,
    value: Arc<T>,
    checked: Mutex<Instant>,
}

impl<T> Remembered<T> {
    pub(crate) fn new(store: Arc<dyn ConfigStore>) -> Self {
        Self {
            store,
            known: Cache::new(REMEMBERED),
            generation: AtomicU64::new(0),
        }
    }

    /// What is remembered of an organisation, or else what `read` gives, with its version.
    pub(crate) async fn get<F>(&self, org: OrgId, read: F) -> Result<Arc<T>, StoreError>
    where
        F: Future<Output = Result<(u64, T), StoreError>>,
    {
        let now = Instant::now();
        if let Some(known) = self.known.get(&org) {
            // Whoever is first to look again does so for all: they go on with what is there.
            if !known.is_to_be_checked(now)
                || self.store.config_version(org).await? == known.version
            {
                return Ok(Arc::clone(&known.value));
            }
        }
        let before = self.generation.load(Ordering::SeqCst);
        let (version, value) = read.await?;
        let value = Arc::new(value);
        let known = Arc::new(Known {
            version,
            value: Arc::clone(&value),
            checked: Mutex::new(now),
        });
        // Written meanwhile by this node, it may be outdated already.
        if self.generation.load(Ordering::SeqCst) == before {
            self.known.insert(org, known);
        }
        Ok(value)
    }

    /// Forgets an organisation, whose configuration has been written by this node.
    pub(crate) fn changed(&self, org: OrgId) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.known.remove(&org);
    }
}

impl<T> Known<T> {
    /// Whether the caller is to ask for the version now. Of several at once one is.
    fn is_to_be_checked(&self, now: Instant) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = now.saturating_duration_since(*checked) >= FRESH;
        if is_due {
            *checked = now;
        }
        is_due
    }
}
