use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use runloom_domain::RunId;
use tokio::sync::watch;

use crate::driver::Orders;

/// The runs that this node works on, and how to reach their drivers.
#[derive(Default)]
pub(super) struct Registry(Mutex<HashMap<RunId, watch::Sender<Orders>>>);

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, watch::Sender<Orders>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Registers a run, replacing a former driver of it.
    pub(super) fn insert(&self, run: RunId, orders: Orders) -> watch::Receiver<Orders> {
        let (sender, mut receiver) = watch::channel(orders);
        // A driver that begins under orders looks at them at once.
        if orders != Orders::default() {
            receiver.mark_changed();
        }
        self.lock().insert(run, sender);
        receiver
    }

    pub(super) fn remove(&self, run: RunId) {
        self.lock().remove(&run);
    }

    pub(super) fn order(&self, run: RunId, order: impl FnOnce(&mut Orders)) {
        if let Some(sender) = self.lock().get(&run) {
            sender.send_modify(order);
        }
    }

    pub(super) fn order_all(&self, order: impl Fn(&mut Orders)) {
        for sender in self.lock().values() {
            sender.send_modify(&order);
        }
    }

    /// Lets go of all drivers: each stops as soon as it notices.
    pub(super) fn drop_all(&self) {
        self.lock().clear();
    }
}
