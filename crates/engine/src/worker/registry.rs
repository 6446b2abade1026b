use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runloom_domain::RunId;
use tokio::sync::watch;

use crate::driver::Orders;

/// The runs that this node works on, and how to reach their drivers.
///
/// A run that was lost and claimed again may have two drivers for a moment: the old one, which
/// is about to notice, and the new one. So each driver is known by its epoch too.
#[derive(Default)]
pub(super) struct Registry(Mutex<HashMap<RunId, Entry>>);

struct Entry {
    epoch: u64,
    orders: watch::Sender<Orders>,
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

    /// Registers a run, replacing a driver of an earlier epoch, which thereby is let go.
    pub(super) fn insert(&self, run: RunId, epoch: u64, orders: Orders) -> watch::Receiver<Orders> {
        let (sender, mut receiver) = watch::channel(orders);
        // A driver that begins under orders looks at them at once.
        if orders != Orders::default() {
            receiver.mark_changed();
        }
        self.lock().insert(
            run,
            Entry {
                epoch,
                orders: sender,
            },
        );
        receiver
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
