//! An in-memory adapter, for tests, for trying things out, and as the reference of what the
//! ports mean: every method is a few plain steps under one lock.
//!
//! Nothing outlives the process, and reads walk over everything there is, so it suits
//! hundreds of runs, not millions.
//!
//! ```
//! use std::sync::Arc;
//! use runloom_domain::SystemClock;
//! use runloom_store::{Store, memory::MemoryStore};
//!
//! let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
//! # drop(store);
//! ```

mod accounts;
mod append;
mod audit;
mod census;
mod children;
mod claim;
mod config;
mod create;
mod data_keys;
mod holds;
mod housekeeping;
mod lists;
mod money;
mod once;
mod orgs;
mod quota;
mod reads;
mod rewind;
mod runs;
mod sessions;
mod state;
mod threads;
mod usage;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runloom_domain::{Clock, Timestamp};

use state::State;

/// A store that lives in this process's memory.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty store, whose leases and due times go by `clock`. Clones share their content.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Arc::default(),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The content. No method awaits while it holds the lock, so that dropping a caller's
    /// future finds each write either whole or not begun; and none writes before it has
    /// checked everything, so that a panic in between leaves no half of one either.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
