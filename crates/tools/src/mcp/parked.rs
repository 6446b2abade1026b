//! Calls whose servers wait for what a person says.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::in_flight::InFlight;

/// How many calls are kept, and for how long. A run waits longer than that if its person does;
/// what happens then depends on the tool's class.
const MOST: usize = 1_000;
const LONGEST: Duration = Duration::from_mins(30);

/// The parked calls of this process, by effect key.
#[derive(Default)]
pub(super) struct Parked(Mutex<HashMap<String, (Instant, InFlight)>>);

impl Parked {
    /// Keeps a call. `Err` gives it back: there is no room.
    pub(super) fn put(&self, key: String, mut call: InFlight) -> Result<(), Box<InFlight>> {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if parked.len() >= MOST && !parked.contains_key(&key) {
            return Err(Box::new(call));
        }
        call.rest();
        parked.insert(key, (Instant::now(), call));
        Ok(())
    }

    /// The call, if it is still here.
    pub(super) fn take(&self, key: &str) -> Option<InFlight> {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parked.remove(key).map(|(_, call)| call)
    }

    /// Cancels those that have waited too long, or whose connection is gone.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = parked
            .extract_if(|_, (since, call)| now.duration_since(*since) >= LONGEST || call.is_lost());
        let over: Vec<_> = over.collect();
        drop(parked);
        if !over.is_empty() {
            tracing::debug!(calls = over.len(), "nobody answered for calls that waited");
        }
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        let parked = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(parked);
    }
}
