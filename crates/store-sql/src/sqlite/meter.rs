use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Lane;

/// Counts the jobs that wait for threads, and the threads that have some.
#[derive(Clone, Default)]
pub(super) struct Meter(Arc<Counts>);

#[derive(Default)]
struct Counts {
    waiting: AtomicUsize,
    busy: AtomicUsize,
}

impl Meter {
    /// A job waits.
    pub(super) fn asked(&self) {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// Jobs wait no more, since their thread has begun or has gone.
    pub(super) fn taken(&self, jobs: usize) {
        self.0.waiting.fetch_sub(jobs, Ordering::Relaxed);
    }

    /// A thread does `work`, which doesn't panic.
    pub(super) fn at_work<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
        let done = work();
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
        done
    }

    /// What was counted, for a lane of so many threads.
    pub(super) fn lane(&self, name: &'static str, size: usize) -> Lane {
        Lane {
            name,
            size,
            in_use: self.0.busy.load(Ordering::Relaxed),
            waiting: self.0.waiting.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_wait_until_they_are_taken() {
        let meter = Meter::default();
        let seen = || {
            let lane = meter.lane("reads", 3);
            (lane.in_use, lane.waiting)
        };
        meter.asked();
        meter.asked();
        assert_eq!(seen(), (0, 2));
        meter.taken(1);
        assert_eq!(meter.at_work(seen), (1, 1));
        assert_eq!(seen(), (0, 1));
    }
}
