//! What a node remembers of organisations' configurations.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use runloom_domain::OrgId;
use runloom_store::{ConfigStore, StoreError};

/// How much is remembered in all, in bytes.
const MOST: u64 = 64 * 1024 * 1024;

/// What the memory of an organisation takes at least, in bytes, with its place here.
const LEAST: u64 = 8 * 1024;

/// So few that the cache isn't divided: of a part of [`MOST`] a large organisation might take more
/// than there is, and would be read anew each time.
const UNDIVIDED: usize = 32;

/// How long nobody asks whether what is remembered is still so.
const FRESH: Duration = Duration::from_secs(1);

/// A part of each organisation's configuration.
///
/// What is remembered is asked for its version once a second, which is one look at one row; so
/// what another node writes is seen a second later. What this node writes is seen at once.
pub(crate) struct Remembered<T> {
    store: Arc<dyn ConfigStore>,
    known: Cache<OrgId, Arc<Known<T>>, ByBytes>,
    /// Counts what this node has written, so that nothing that was read before is remembered
    /// after.
    generation: AtomicU64,
}

/// What can be remembered.
pub(crate) trait Weigh {
    /// About how much memory it takes, always the same.
    fn bytes(&self) -> u64;
}

#[derive(Clone)]
struct ByBytes;

impl<T> Weighter<OrgId, Arc<Known<T>>> for ByBytes {
    fn weight(&self, _: &OrgId, known: &Arc<Known<T>>) -> u64 {
        known.bytes
    }
}

/// What is remembered, in one version.
struct Known<T> {
    bytes: u64,
    version: u64,
    value: Arc<T>,
    checked: Mutex<Instant>,
}

impl<T: Weigh> Remembered<T> {
    pub(crate) fn new(store: Arc<dyn ConfigStore>) -> Self {
        Self {
            store,
            known: Cache::with_weighter(UNDIVIDED, MOST, ByBytes),
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
            bytes: value.bytes().max(LEAST),
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

#[cfg(test)]
mod tests {
    use runloom_domain::{Clock as _, SystemClock};
    use runloom_store::memory::MemoryStore;

    use super::*;

    struct Large(u64);

    impl Weigh for Large {
        fn bytes(&self) -> u64 {
            self.0
        }
    }

    #[tokio::test]
    async fn what_is_remembered_has_a_size() {
        let store = MemoryStore::new(Arc::new(SystemClock));
        let remembered = Remembered::new(Arc::new(store));
        let orgs = (0..20).map(|_| OrgId::generate(SystemClock.now()));
        let orgs: Vec<_> = orgs.collect();
        for org in &orgs {
            let read = async { Ok((0, Large(MOST / 10))) };
            remembered.get(*org, read).await.unwrap();
        }
        assert!(remembered.known.weight() <= MOST);
        assert!(remembered.known.len() >= 5, "several have room");
        let last = orgs[0];
        let read = async { Ok((0, Large(MOST * 2))) };
        let all = remembered.get(last, read).await.unwrap();
        assert!(all.0 >= MOST / 10, "what has no room is read all the same");
        assert!(remembered.known.weight() <= MOST);
    }
}
