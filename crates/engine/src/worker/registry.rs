use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use runloom_domain::RunId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::driver::{Bound, Orders};

/// The runs that this node works on, and how to reach their drivers.
///
/// A run that was lost and claimed again may have two drivers for a moment: the old one, which
/// is about to notice, and the new one. So each driver is known by its epoch too.
#[derive(Default)]
pub(super) struct Registry(Mutex<HashMap<RunId, Entry>>);

struct Entry {
    epoch: u64,
    orders: watch::Sender<Orders>,
    bound: Bound,
}

/// What a driver holds of its entry.
pub(super) struct Reins {
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) bound: Bound,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn contains(&self, run: RunId) -> bool {
        self.lock().contains_key(&run)
    }

    /// Whether a driver works on the run at this epoch.
    pub(super) fn has(&self, run: RunId, epoch: u64) -> bool {
        self.lock()
            .get(&run)
            .is_some_and(|entry| entry.epoch == epoch)
    }

    /// The runs whose drivers should have gone on by now, with their epochs.
    pub(super) fn overdue(&self, now: Instant) -> HashSet<(RunId, u64)> {
        let entries = self.lock();
        let overdue = entries.iter().filter(|(_, entry)| entry.bound.is_over(now));
        overdue.map(|(run, entry)| (*run, entry.epoch)).collect()
    }

    /// Registers a run, replacing a driver of an earlier epoch, which thereby is let go.
    pub(super) fn insert(&self, run: RunId, epoch: u64, orders: Orders) -> Reins {
        let (sender, mut receiver) = watch::channel(orders);
        // A driver that begins under orders looks at them at once.
        if orders != Orders::default() {
            receiver.mark_changed();
        }
        let bound = Bound::default();
        self.lock().insert(
            run,
            Entry {
                epoch,
                orders: sender,
                bound: bound.clone(),
            },
        );
        Reins {
            orders: receiver,
            bound,
        }
    }

    /// Forgets a driver, unless a newer one has taken its place.
    pub(super) fn remove(&self, run: RunId, epoch: u64) {
        let mut entries = self.lock();
        if entries.get(&run).is_some_and(|entry| entry.epoch == epoch) {
            entries.remove(&run);
        }
    }

    pub(super) fn order(&self, run: RunId, order: impl FnOnce(&mut Orders)) {
        if let Some(entry) = self.lock().get(&run) {
            entry.orders.send_modify(order);
        }
    }

    pub(super) fn order_all(&self, order: impl Fn(&mut Orders)) {
        for entry in self.lock().values() {
            entry.orders.send_modify(&order);
        }
    }

    /// Lets go of all drivers: each stops as soon as it notices.
    pub(super) fn drop_all(&self) {
        self.lock().clear();
    }
}
