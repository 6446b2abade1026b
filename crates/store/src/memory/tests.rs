use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{Clock, ManualClock, SystemClock};

use super::MemoryStore;
use crate::contract::{Harness, Hooks};

/// Lets time pass by the store's clock.
struct ManualTime(Arc<ManualClock>);

#[async_trait]
impl Hooks for ManualTime {
    async fn advance(&self, by: Duration) -> bool {
        self.0.advance(by);
        true
    }
}

async fn fresh() -> Harness {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let store = MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>);
    Harness::new(Arc::new(store), ManualTime(clock))
}

crate::contract_suite!(fresh);
