//! One reader for all watched runs that other nodes write to.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use runloom_domain::{EncodedEvent, RunId};
use runloom_store::{RunStore, StoreError, Tail};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::LOOK_EVERY;
use crate::live::Rings;
use crate::worker::Worker;
use crate::writer::chain;

/// How many runs one read is about, and how many events of each it takes. Together they bound
/// what is held; a run that has more is read again at once.
const RUNS: usize = 64;
const EVENTS: u32 = 16;

/// The wait after a read that failed.
const FAILED: Duration = Duration::from_millis(250);

/// The watched runs whose logs are to be read.
#[derive(Default)]
pub(crate) struct Tails {
    rings: Rings,
    poked: Mutex<HashSet<RunId>>,
    wake: Notify,
}

impl Tails {
    pub(crate) fn new(rings: Rings) -> Self {
        Self {
            rings,
            ..Self::default()
        }
    }

    /// A run's log may reach to `last_seq`: reads it, if somebody watches it and that is news.
    pub(crate) fn poke(&self, run: RunId, last_seq: u64) {
        if self.rings.lacks(run, last_seq) {
            self.poked().insert(run);
            self.wake.notify_one();
        }
    }

    /// Anything may have happened: reads the logs of all watched runs.
    pub(crate) fn poke_all(&self) {
        let watched = self.rings.tails().into_iter().map(|tail| tail.run_id);
        self.poked().extend(watched);
        self.wake.notify_one();
    }

    fn poked(&self) -> std::sync::MutexGuard<'_, HashSet<RunId>> {
        self.poked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The poked runs that are still watched, from where their rings end.
    fn take_poked(&self) -> Vec<Tail> {
        let runs = std::mem::take(&mut *self.poked());
        runs.iter()
            .filter_map(|run| self.rings.tail(*run))
            .collect()
    }

    /// Reads once and shows what is there.
    async fn read(&self, store: &dyn RunStore, of: &[Tail]) -> Result<(), StoreError> {
        for part in of.chunks(RUNS) {
            let logs = store.tails(part.to_vec(), EVENTS).await?;
            for (tail, log) in part.iter().zip(logs) {
                let Some(first) = log.first() else { continue };
                let base = first.seq - 1;
                let more = log.len() == EVENTS as usize;
                let events: Vec<EncodedEvent> = log.into_iter().map(|e| e.event).collect();
                self.rings.publish(tail.run_id, base, &events);
                if more {
                    self.poked().insert(tail.run_id);
                    self.wake.notify_one();
                }
            }
        }
        Ok(())
    }
}

/// Reads the logs of poked runs at once, and of all that this node doesn't work on each
/// [`LOOK_EVERY`], as long as the engine is there.
pub(super) async fn follow(worker: Weak<Worker>) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let Some(held) = worker.upgrade() else { return };
        let tails = &held.shared.tails;
        let of = tokio::select! {
            () = tails.wake.notified() => tails.take_poked(),
            _ = ticks.tick() => elsewhere(&held),
        };
        if let Err(error) = tails.read(&*held.shared.parts.store, &of).await {
            tracing::warn!(error = %chain(&error), "the logs of watched runs can't be read");
            drop(held);
            tokio::time::sleep(FAILED).await;
        }
    }
}

fn elsewhere(worker: &Worker) -> Vec<Tail> {
    let mut tails = worker.shared.tails.rings.tails();
    tails.retain(|tail| !worker.works_on(tail.run_id));
    tails
}
