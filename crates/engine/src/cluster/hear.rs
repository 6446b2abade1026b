use std::sync::{Arc, Weak};
use std::time::Duration;

use runloom_store::{Hint, Signals};

use crate::worker::Worker;

/// How often a task that hears nothing looks whether the engine is still there.
const ALIVE: Duration = Duration::from_secs(5);

/// Passes on what other nodes tell, as long as the engine is there.
pub(super) async fn hear(worker: Weak<Worker>, signals: Arc<dyn Signals>) {
    loop {
        let heard = tokio::time::timeout(ALIVE, signals.heard()).await;
        let Some(worker) = worker.upgrade() else {
            return;
        };
        let hints = heard.unwrap_or_default();
        let received = &worker.shared.metrics.node.hints_received;
        received.inc_by(hints.len() as u64);
        for hint in hints {
            pass_on(&worker, hint);
        }
    }
}

fn pass_on(worker: &Worker, hint: Hint) {
    match hint {
        Hint::Log { run_id, last_seq } => worker.shared.tails.poke(run_id, last_seq),
        Hint::Cancel { run_id } => {
            if worker.works_on(run_id) {
                worker.poll_soon();
            }
        }
        Hint::Free => worker.wake(),
        Hint::Missed => {
            worker.wake();
            worker.poll_soon();
            worker.shared.tails.poke_all();
        }
    }
}
