use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runloom_domain::OrgId;

/// The organisation that a claim had the last run of: the next one begins behind it, since
/// organisations take turns. `None` is the beginning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn(Arc<Mutex<Option<OrgId>>>);

impl Turn {
    pub(crate) fn get(&self) -> Option<OrgId> {
        *self.lock()
    }

    pub(crate) fn set(&self, org: Option<OrgId>) {
        *self.lock() = org;
    }

    fn lock(&self) -> MutexGuard<'_, Option<OrgId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
