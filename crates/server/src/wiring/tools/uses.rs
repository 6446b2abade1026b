use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use runloom_domain::OrgId;
use tokio::sync::Notify;

/// How many organisations are remembered. Of others it is told more often than need be.
const REMEMBERED: usize = 10_000;

/// Which organisations begin runs here, so that the lists of their servers are kept young.
pub(super) struct Uses {
    told: Cache<OrgId, Instant>,
    /// How long an organisation isn't told of again.
    pause: Duration,
    new: Mutex<BTreeSet<OrgId>>,
    /// That there is something to be looked at.
    pub(super) news: Notify,
}

impl Uses {
    pub(super) fn new(pause: Duration) -> Self {
        Self {
            told: Cache::new(REMEMBERED),
            pause,
            new: Mutex::default(),
            news: Notify::new(),
        }
    }

    /// Notes that a run begins.
    pub(super) fn note(&self, org: OrgId) {
        let told = self.told.get(&org);
        if told.is_some_and(|told| told.elapsed() < self.pause) {
            return;
        }
        self.told.insert(org, Instant::now());
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.insert(org);
        drop(new);
        self.news.notify_one();
    }

    /// The organisations that began runs since this was asked last.
    pub(super) fn take(&self) -> BTreeSet<OrgId> {
        std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
