//! Whether this node may act.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::fault::{self, Bug};

/// How often the lease is renewed.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(5);
/// A node that could not renew for this long starts nothing more: the lease's 15 s less a
/// margin of 3 s for the way to the database.
const SAFE_FOR: Duration = Duration::from_secs(12);

/// When the node's lease was last known to be good, by a clock that goes on while the machine
/// sleeps, which the usual monotonic clock doesn't.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    /// Milliseconds of that clock; 0 before the first renewal.
    good_at: AtomicU64,
}

impl Lease {
    /// The moment to give to [`renewed`](Self::renewed): taken before the renewal is sent.
    pub(crate) fn moment() -> u64 {
        let now = clock_gettime(ClockId::Boottime);
        (now.tv_sec as u64) * 1_000 + (now.tv_nsec as u64) / 1_000_000
    }

    /// The lease was renewed by a request sent at `moment`.
    pub(crate) fn renewed(&self, moment: u64) {
        self.good_at.fetch_max(moment, Ordering::SeqCst);
    }

    /// Whether the node may start work.
    pub(crate) fn is_held(&self) -> bool {
        self.good_at.load(Ordering::SeqCst) != 0 && !self.is_old()
    }

    /// Whether the lease was held and isn't any more: what the node had begun is to be
    /// dropped. It stays so until [`restart`](Self::restart).
    pub(crate) fn has_lapsed(&self) -> bool {
        self.good_at.load(Ordering::SeqCst) != 0 && self.is_old()
    }

    /// How long to wait for the answer to a renewal: as long as the lease is good, and when it
    /// isn't, no run depends on it.
    pub(crate) fn patience(&self) -> Duration {
        let left = self.left();
        if left.is_zero() { SAFE_FOR } else { left }
    }

    fn left(&self) -> Duration {
        let good_at = self.good_at.load(Ordering::SeqCst);
        let age = Duration::from_millis(Self::moment().saturating_sub(good_at));
        SAFE_FOR.saturating_sub(age)
    }

    /// The node has dropped its runs, and begins as if it were new.
    pub(crate) fn restart(&self) {
        self.good_at.store(0, Ordering::SeqCst);
    }

    fn is_old(&self) -> bool {
        self.left().is_zero() && !fault::planted(Bug::NoFence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_good_for_a_while_only() {
        let lease = Lease::default();
        assert!(!lease.is_held() && !lease.has_lapsed());
        assert_eq!(lease.patience(), SAFE_FOR);
        let now = Lease::moment();
        lease.renewed(now.saturating_sub(SAFE_FOR.as_millis() as u64));
        assert!(!lease.is_held() && lease.has_lapsed());
        lease.restart();
        assert!(!lease.has_lapsed());
        lease.renewed(now);
        assert!(lease.is_held());
        assert!(lease.patience() > Duration::from_secs(11));
        lease.renewed(1);
        assert!(
            lease.is_held(),
            "an old answer that comes late takes nothing back"
        );
    }
}
