//! What a node remembers of the store, for a moment.

use std::future::Future;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::{Cache, EntryAction, EntryResult};
use runloom_store::StoreError;
use tokio::time::Instant;

/// How long a value read from the store is believed. A revocation must be seen within 2 s; the
/// rest is for the read itself, whose begin the age is counted from.
const MAX_AGE: Duration = Duration::from_millis(1_500);

/// What a caller is told whose read was somebody else's.
const OTHERS: &str = "the read that this one waited for has failed";

/// Values read from the store, none older than [`MAX_AGE`], the most used ones kept. Age is
/// counted on the monotonic clock: a wall clock set back must not make a value last.
pub(crate) struct Fresh<K, V> {
    values: Cache<K, Read<V>>,
    /// When a read failed last.
    failed_at: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Read<V> {
    begun_at: Instant,
    value: V,
}

impl<V> Read<V> {
    fn is_fresh(&self) -> bool {
        self.begun_at.elapsed() < MAX_AGE
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Fresh<K, V> {
    /// Room for `capacity` values.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            values: Cache::new(capacity),
            failed_at: Mutex::new(None),
        }
    }

    /// The remembered value, or else what `read` finds. Of callers that come at once one
    /// reads and the others wait for it; when it is dropped the next one reads, and when it
    /// fails they fail too: a read that waits for a database that doesn't answer would
    /// otherwise wait once more for each caller before it. Absence is not remembered, so that
    /// what has just been made is found.
    pub(crate) async fn get(
        &self,
        key: &K,
        read: impl Future<Output = Result<Option<V>, StoreError>>,
    ) -> Result<Option<V>, StoreError> {
        // The common case takes no exclusive lock.
        if let Some(found) = self.values.get(key).filter(Read::is_fresh) {
            return Ok(Some(found.value));
        }
        let asked_at = Instant::now();
        let entry = self.values.entry_async(key, |_, found| {
            if found.is_fresh() {
                EntryAction::Retain(found.value.clone())
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        let guard = match entry.await {
            EntryResult::Retained(value) => return Ok(Some(value)),
            EntryResult::Vacant(guard) | EntryResult::Replaced(guard, _) => Some(guard),
            // Neither is asked for above; reading without remembering is right in any case.
            EntryResult::Removed(..) | EntryResult::Timeout => None,
        };
        if self.has_failed_since(asked_at) {
            return Err(StoreError::Unavailable(OTHERS.into()));
        }
        let begun_at = Instant::now();
        let read = read.await;
        if read.is_err() {
            *self.failed_at() = Some(Instant::now());
        }
        let value = read?;
        if let (Some(guard), Some(value)) = (guard, value.clone()) {
            // Refused when the key was forgotten meanwhile: then the value may be outdated.
            let _ = guard.insert(Read { begun_at, value });
        }
        Ok(value)
    }

    fn failed_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a read, of this key or another, has failed while the caller waited.
    fn has_failed_since(&self, asked_at: Instant) -> bool {
        self.failed_at()
            .is_some_and(|failed_at| failed_at > asked_at)
    }

    /// Forgets the values that `doomed` names.
    pub(crate) fn forget(&self, doomed: impl Fn(&V) -> bool) {
        self.values.retain(|_, read| !doomed(&read.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(
        fresh: &Fresh<u8, &'static str>,
        value: Option<&'static str>,
    ) -> Option<&'static str> {
        fresh.get(&1, async { Ok(value) }).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn believes_a_value_for_a_moment() {
        let fresh = Fresh::new(8);
        assert_eq!(read(&fresh, None).await, None);
        assert_eq!(read(&fresh, Some("old")).await, Some("old"));
        tokio::time::advance(Duration::from_millis(1_499)).await;
        assert_eq!(read(&fresh, Some("new")).await, Some("old"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(read(&fresh, Some("new")).await, Some("new"));
        fresh.forget(|value| *value == "new");
        assert_eq!(read(&fresh, Some("newest")).await, Some("newest"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_read_counts_from_its_begin() {
        let fresh = Fresh::new(8);
        let slow = fresh.get(&1, async {
            tokio::time::sleep(MAX_AGE).await;
            Ok(Some("slow"))
        });
        assert_eq!(slow.await.unwrap(), Some("slow"));
        assert_eq!(read(&fresh, Some("new")).await, Some("new"));
    }

    #[tokio::test]
    async fn a_dropped_reader_leaves_the_way_free() {
        let fresh = Fresh::new(8);
        let stuck = fresh.get(&1, std::future::pending());
        tokio::select! {
            biased;
            _ = stuck => unreachable!("it waits for ever"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(read(&fresh, Some("new")).await, Some("new"));
    }
    #[tokio::test(start_paused = true)]
    async fn a_failed_read_fails_those_who_waited_for_it() {
        let fresh = Fresh::new(8);
        let fails = || async {
            tokio::time::sleep(Duration::from_secs(25)).await;
            Err::<Option<&str>, _>(StoreError::Unavailable("silence".into()))
        };
        let begun = Instant::now();
        let (first, second, third) = tokio::join!(
            fresh.get(&1, fails()),
            fresh.get(&1, fails()),
            fresh.get(&1, fails()),
        );
        assert!(first.is_err() && second.is_err() && third.is_err());
        assert_eq!(begun.elapsed(), Duration::from_secs(25));
        assert_eq!(read(&fresh, Some("new")).await, Some("new"));
    }
}
