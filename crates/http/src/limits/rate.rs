//! How often something may happen, counted by key.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// The time in which a quota comes back as a whole.
pub(super) const WINDOW: Duration = Duration::from_mins(1);

/// Keys that are remembered at most, beside those of one round: some 10 MB.
const CAPACITY: usize = 100_000;

/// After so many questions, keys that have their whole quota again are forgotten.
const ROUND: u32 = 4_096;

type Limiter<C> = RateLimiter<u128, HashMapStateStore<u128>, C, StateInformationMiddleware>;

/// What is left of a key's quota after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// Requests a minute, and at once.
    pub(super) quota: u32,
    /// Requests that may come at once now.
    pub(super) remaining: u32,
    /// How long until all of the quota is there again.
    pub(super) whole_in: Duration,
    /// How long until there is one again, when the request comes too early.
    pub(super) wait: Option<Duration>,
}

/// So many requests may come at once, and as many a minute after them (the generic cell rate
/// algorithm): no window begins at which all come back together.
pub(super) struct Rate<C: Clock + Clone = MonotonicClock> {
    /// Replaced as a whole when more keys are in use than are remembered.
    limiter: RwLock<Limiter<C>>,
    per_minute: NonZeroU32,
    capacity: usize,
    questions: AtomicU32,
    clock: C,
}

impl Rate {
    /// `None` for 0, which sets no limit.
    pub(super) fn per_minute(requests: u32) -> Option<Self> {
        let requests = NonZeroU32::new(requests)?;
        Some(Self::new(requests, CAPACITY, MonotonicClock))
    }
}

impl<C: Clock + Clone> Rate<C> {
    fn new(per_minute: NonZeroU32, capacity: usize, clock: C) -> Self {
        Self {
            limiter: RwLock::new(fresh(per_minute, &clock)),
            per_minute,
            capacity,
            questions: AtomicU32::new(0),
            clock,
        }
    }

    /// Counts a request of `key`.
    pub(super) fn take(&self, key: u128) -> Left {
        if self.questions.fetch_add(1, Ordering::Relaxed) % ROUND == ROUND - 1 {
            self.forget();
        }
        let limiter = self.limiter.read().unwrap_or_else(PoisonError::into_inner);
        match limiter.check_key(&key) {
            Ok(state) => self.left(state.remaining_burst_capacity(), None),
            Err(early) => self.left(0, Some(early.wait_time_from(self.clock.now()))),
        }
    }

    fn left(&self, remaining: u32, wait: Option<Duration>) -> Left {
        let quota = self.per_minute.get();
        let used = quota.saturating_sub(remaining);
        Left {
            quota,
            remaining,
            whole_in: WINDOW.mul_f64(f64::from(used) / f64::from(quota)),
            wait,
        }
    }

    /// Forgets keys that are idle. Whoever uses more keys at once than are remembered could make
    /// more requests anyway than the forgotten ones would have hindered.
    fn forget(&self) {
        let limiter = self.limiter.read().unwrap_or_else(PoisonError::into_inner);
        limiter.retain_recent();
        let full = limiter.len() > self.capacity;
        drop(limiter);
        if full {
            let fresh = fresh(self.per_minute, &self.clock);
            *self.limiter.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

fn fresh<C: Clock + Clone>(per_minute: NonZeroU32, clock: &C) -> Limiter<C> {
    let quota = Quota::per_minute(per_minute);
    RateLimiter::new(quota, HashMapStateStore::default(), clock.clone())
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rate(per_minute: u32, capacity: usize) -> (Rate<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let per_minute = NonZeroU32::new(per_minute).unwrap();
        (Rate::new(per_minute, capacity, clock.clone()), clock)
    }

    #[test]
    fn a_quota_is_used_up_and_comes_back_bit_by_bit() {
        let (rate, clock) = rate(6, 10);
        let left: Vec<_> = (0..6).map(|_| rate.take(1).remaining).collect();
        assert_eq!(left, [5, 4, 3, 2, 1, 0]);
        let refused = rate.take(1);
        assert_eq!(refused.wait, Some(Duration::from_secs(10)));
        assert_eq!((refused.remaining, refused.whole_in), (0, WINDOW));
        assert_eq!(rate.take(2).wait, None, "everybody has their own");
        clock.advance(Duration::from_secs(10));
        assert_eq!(rate.take(1).wait, None);
        assert!(rate.take(1).wait.is_some());
        assert!(Rate::per_minute(0).is_none());
    }

    #[test]
    fn idle_keys_are_forgotten_and_a_crowd_as_a_whole() {
        let (rate, clock) = rate(60, 100);
        let crowd = |from: u128, many: u32| {
            for key in 0..u128::from(many) {
                rate.take(from + key);
            }
            rate.limiter.read().unwrap().len()
        };
        assert_eq!(crowd(0, 50), 50);
        clock.advance(WINDOW * 2);
        crowd(1_000, 1);
        rate.forget();
        assert_eq!(rate.limiter.read().unwrap().len(), 1);
        assert!(crowd(2_000, 3 * ROUND) <= ROUND as usize + 100);
    }
}
