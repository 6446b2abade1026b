//! What a node remembers of the store, for a moment.

use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

use quick_cache::sync::{Cache, EntryAction, EntryResult};
use tokio::time::Instant;

/// How long a value read from the store is believed. A revocation must be seen within 2 s; the
/// rest is for the read itself, whose begin the age is counted from.
const MAX_AGE: Duration = Duration::from_millis(1_500);

/// Values read from the store, none older than [`MAX_AGE`], the most used ones kept. Age is
/// counted on the monotonic clock: a wall clock set back must not make a value last.
pub(crate) struct Fresh<K, V>(Cache<K, Read<V>>);

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
        Self(Cache::new(capacity))
    }

    /// The remembered value, or else what `read` finds. Of callers that come at once one
    /// reads and the others wait for it; when it fails or is dropped the next one reads.
    /// Absence is not remembered, so that what has just been made is found.
    pub(crate) async fn get<E>(
        &self,
        key: &K,
        read: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<V>, E> {
        // The common case takes no exclusive lock.
        if let Some(found) = self.0.get(key).filter(Read::is_fresh) {
            return Ok(Some(found.value));
        }
        let entry = self.0.entry_async(key, |_, found| {
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
        let begun_at = Instant::now();
        let value = read.await?;
        if let (Some(guard), Some(value)) = (guard, value.clone()) {
            // Refused when the key was forgotten meanwhile: then the value may be outdated.
            let _ = guard.insert(Read { begun_at, value });
        }
        Ok(value)
    }

    /// Forgets the values that `doomed` names.
    pub(crate) fn forget(&self, doomed: impl Fn(&V) -> bool) {
        self.0.retain(|_, read| !doomed(&read.value));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn read(
        fresh: &Fresh<u8, &'static str>,
        value: Option<&'static str>,
    ) -> Option<&'static str> {
        fresh
            .get(&1, async { Ok::<_, Infallible>(value) })
            .await
            .unwrap()
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
            Ok::<_, Infallible>(Some("slow"))
        });
        assert_eq!(slow.await.unwrap(), Some("slow"));
        assert_eq!(read(&fresh, Some("new")).await, Some("new"));
    }

    #[tokio::test]
    async fn a_dropped_reader_leaves_the_way_free() {
        let fresh = Fresh::new(8);
        let stuck = fresh.get(&1, std::future::pending::<Result<_, Infallible>>());
        tokio::select! {
            biased;
            _ = stuck => unreachable!("it waits for ever"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(read(&fresh, Some("new")).await, Some("new"));
    }
}
