use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{OrgId, RunId};

use crate::Store;

/// How long a case waits at most for time to pass by itself: longer than a lease.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a test needs of an adapter besides the ports.
#[async_trait]
pub trait Hooks: Send + Sync + 'static {
    /// Holds the run's row as another session would, until the guard is dropped. `None` where
    /// there are no other sessions.
    async fn lock_run(&self, org: OrgId, run: RunId) -> Option<Box<dyn Send>> {
        let _ = (org, run);
        None
    }

    /// Closes `store`, of which this is the last handle, and opens it again. `None` where
    /// nothing outlives the store.
    async fn reopen(&self, store: Arc<dyn Store>) -> Option<Arc<dyn Store>> {
        drop(store);
        None
    }

    /// Makes the store believe that so much time has passed: by its clock, or by moving what it
    /// has stored back. False when it can't.
    async fn advance(&self, by: Duration) -> bool {
        let _ = by;
        false
    }

    /// Makes the store begin each transaction as one of this organisation, whichever its
    /// statements name; `None` ends that. False where nothing but the conditions of statements
    /// keeps organisations apart.
    fn mistake(&self, org: Option<OrgId>) -> bool {
        let _ = org;
        false
    }

    /// Whether the store belongs to one node at a time, so that `free_lost` takes every other
    /// node for gone.
    fn is_for_one_node(&self) -> bool {
        false
    }
}

/// A fresh store under test.
pub struct Harness {
    /// Absent only while it is opened again.
    store: Option<Arc<dyn Store>>,
    hooks: Box<dyn Hooks>,
}

impl Harness {
    /// A harness around an empty store.
    pub fn new(store: Arc<dyn Store>, hooks: impl Hooks) -> Self {
        Self {
            store: Some(store),
            hooks: Box::new(hooks),
        }
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        self.store.as_deref().expect("the store is open")
    }

    /// A handle for a task of its own.
    pub(super) fn shared(&self) -> Arc<dyn Store> {
        self.store.clone().expect("the store is open")
    }

    /// Closes the store and opens it again; false where nothing outlives it, and then the case
    /// is over.
    pub(super) async fn reopen(&mut self) -> bool {
        if let Some(store) = self.store.take() {
            self.store = self.hooks.reopen(store).await;
        }
        self.store.is_some()
    }

    /// Holds a run's row from another session.
    pub(super) async fn lock_run(&self, org: OrgId, run: RunId) -> Option<Box<dyn Send>> {
        self.hooks.lock_run(org, run).await
    }

    /// Lets time pass; false when that would take too long, and then the case is over.
    pub(super) async fn pass(&self, by: Duration) -> bool {
        if self.hooks.advance(by).await {
            return true;
        }
        if by > PATIENCE {
            return false;
        }
        tokio::time::sleep(by).await;
        true
    }

    /// Begins transactions as of this organisation; false when the store doesn't begin them as of
    /// any.
    pub(super) fn mistake(&self, org: Option<OrgId>) -> bool {
        self.hooks.mistake(org)
    }

    /// Whether `free_lost` takes every other node for gone.
    pub(super) fn is_for_one_node(&self) -> bool {
        self.hooks.is_for_one_node()
    }
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").finish_non_exhaustive()
    }
}
