//! Which servers have said that their tools changed.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Each server counts once until somebody takes note, however often it says so.
#[derive(Debug, Default)]
pub(super) struct Changes {
    servers: Mutex<BTreeSet<String>>,
    said: Notify,
}

impl Changes {
    pub(super) fn say(&self, server: &str) {
        self.lock().insert(server.to_owned());
        self.said.notify_one();
    }

    /// Waits until there are some. Dropping the future loses none.
    pub(super) async fn next(&self) -> BTreeSet<String> {
        loop {
            let said = self.said.notified();
            let changed = std::mem::take(&mut *self.lock());
            if !changed.is_empty() {
                return changed;
            }
            said.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
