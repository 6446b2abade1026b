//! Finds runs that are this node's and stand still although the node is well: nobody works on
//! them, as after a claim whose answer was lost, or their drivers wait for what doesn't come.
//! They are freed, and whoever claims them goes on from their logs.

use std::collections::HashSet;
use std::sync::Weak;
use std::time::Duration;

use runloom_domain::RunId;
use runloom_store::{Hint, OwnedRun};
use tokio::time::Instant;

use super::Worker;
use super::tasks::every;
use crate::writer::chain;

/// A run's owner at one time.
type Ownership = (RunId, u64);

pub(super) async fn watch(worker: Weak<Worker>, period: Duration) {
    let mut ticks = every(period);
    let mut suspects = HashSet::new();
    loop {
        ticks.tick().await;
        let Some(worker) = worker.upgrade() else {
            return;
        };
        if worker.drivers.is_closed() {
            return;
        }
        suspects = worker.look_at_owned(suspects).await;
    }
}

impl Worker {
    /// Frees what stands still; returns what nobody works on, which is freed when it is found
    /// again: it may have been taken this very moment.
    async fn look_at_owned(&self, suspects: HashSet<Ownership>) -> HashSet<Ownership> {
        let owned = match self.shared.parts.store.owned(self.shared.node).await {
            Ok(owned) => owned,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the node's runs can't be looked up");
                return HashSet::new();
            }
        };
        let overdue = self.registry.overdue(Instant::now());
        let mut unattended = HashSet::new();
        for run in owned {
            let ownership = (run.run_id, run.epoch);
            if overdue.contains(&ownership) {
                self.disown(run, "its driver stands still").await;
            } else if !self.registry.has(run.run_id, run.epoch) {
                if suspects.contains(&ownership) {
                    self.disown(run, "nobody works on it").await;
                } else {
                    unattended.insert(ownership);
                }
            }
        }
        unattended
    }

    /// From then on whatever still moves under this epoch is refused.
    async fn disown(&self, run: OwnedRun, reason: &str) {
        tracing::error!(run_id = %run.run_id, epoch = run.epoch, reason, "the run is freed");
        let disowned = match self.shared.parts.store.disown(run).await {
            Ok(disowned) => disowned,
            Err(error) => {
                tracing::warn!(run_id = %run.run_id, error = %chain(&error), "the run can't be freed");
                return;
            }
        };
        self.registry.remove(run.run_id, run.epoch);
        if disowned {
            self.shared.metrics.runs.stuck.inc();
            self.wake();
            self.shared.teller.tell(&[Hint::Free]);
        }
    }
}
