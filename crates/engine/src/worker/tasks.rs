//! The worker's periodic tasks. Each holds the worker weakly, so that an engine that nobody
//! holds any more ends.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Worker;
use super::watchdog::watch;
use crate::lease::RENEW_EVERY;
use crate::writer::chain;

/// The wait after a renewal that failed.
const FAILED_RENEWAL: Duration = Duration::from_secs(1);

pub(super) fn start(worker: &Arc<Worker>) {
    let config = &worker.shared.config;
    tokio::spawn(keep_lease(Arc::downgrade(worker)));
    tokio::spawn(scan(Arc::downgrade(worker), config.scan_every));
    tokio::spawn(poll(Arc::downgrade(worker), config.poll_every));
    tokio::spawn(sweep(Arc::downgrade(worker), config.sweep_every));
    tokio::spawn(watch(Arc::downgrade(worker), config.watch_every));
}

pub(super) fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Renews the lease; more often while that fails. A renewal that is not answered before the
/// lease lapses is as good as one that failed: the runs are dropped on time all the same.
async fn keep_lease(worker: Weak<Worker>) {
    let mut wait = RENEW_EVERY;
    loop {
        tokio::time::sleep(wait).await;
        let Some(worker) = worker.upgrade() else {
            return;
        };
        if worker.drivers.is_closed() {
            return;
        }
        let patience = worker.shared.lease.patience();
        let renewed = tokio::time::timeout(patience, worker.renew()).await;
        if !matches!(renewed, Ok(Ok(()))) {
            worker.shared.metrics.node.renewal_failures.inc();
        }
        wait = match renewed {
            Ok(Ok(())) => RENEW_EVERY,
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), "the lease can't be renewed");
                FAILED_RENEWAL
            }
            Err(_) => {
                tracing::warn!("the renewal of the lease is not answered");
                Duration::ZERO
            }
        };
        if worker.shared.lease.has_lapsed() {
            worker.registry.drop_all();
        }
    }
}

/// Claims what is due: when woken, and every now and then.
async fn scan(worker: Weak<Worker>, period: Duration) {
    let mut ticks = every(period);
    loop {
        let Some(held) = worker.upgrade() else { return };
        let scheduled = tokio::select! {
            _ = ticks.tick() => true,
            () = held.wake.notified() => false,
        };
        let freed = if scheduled {
            held.free_lost().await
        } else {
            Ok(())
        };
        let claimed = match freed {
            Ok(()) => held.claim_due().await,
            Err(error) => Err(error),
        };
        if let Err(error) = claimed {
            tracing::warn!(error = %chain(&error), "free runs can't be claimed");
        }
    }
}

/// Ends runs that have outlived their parents. Each node looks for those of all: the one that
/// should have ended them may be gone.
async fn sweep(worker: Weak<Worker>, period: Duration) {
    let mut ticks = every(period);
    loop {
        ticks.tick().await;
        let Some(worker) = worker.upgrade() else {
            return;
        };
        let Some(engine) = worker.shared.engine() else {
            return;
        };
        if let Err(error) = engine.end_orphans().await {
            tracing::warn!(error = %chain(&error), "orphans can't be looked up");
        }
    }
}

/// Finds cancel requests that other nodes have taken.
async fn poll(worker: Weak<Worker>, period: Duration) {
    let mut ticks = every(period);
    loop {
        let Some(worker) = worker.upgrade() else {
            return;
        };
        tokio::select! {
            _ = ticks.tick() => {}
            () = worker.look.notified() => {}
        }
        if worker.registry.len() == 0 {
            continue;
        }
        match worker
            .shared
            .parts
            .store
            .cancelling(worker.shared.node)
            .await
        {
            Ok(runs) => runs.iter().for_each(|(_, run)| worker.cancel(*run)),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "cancel requests can't be looked up");
            }
        }
    }
}
