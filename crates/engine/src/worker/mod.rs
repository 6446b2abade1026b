//! Takes runs, hands them to drivers, keeps the node's lease, and stops cleanly.

mod registry;
mod tasks;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runloom_domain::{RunId, RunStatus, ThreadId};
use runloom_store::{ClaimedRun, StoreError};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::driver::{Driver, Left, Orders, Owned, Taken, load};
use crate::fault;
use crate::machine::Input;
use crate::shared::Shared;
use registry::Registry;

/// How many runs one claim takes.
const CLAIM: u32 = 50;
/// How often a run that can't be worked on is loaded anew before it is left alone.
const RELOADS: u32 = 5;
/// The wait before each.
const RELOAD_WAIT: Duration = Duration::from_secs(1);

/// The node's worker.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    registry: Registry,
    drivers: TaskTracker,
    /// Free runs may be there: a hint, for the scan finds them too.
    wake: Notify,
    /// Threads in which runs of this node may wait.
    queues: Mutex<HashSet<ThreadId>>,
    draining: AtomicBool,
}

impl Worker {
    /// Takes the lease, frees what was lost, and starts the tasks.
    pub(crate) async fn start(shared: Arc<Shared>) -> Result<Arc<Self>, StoreError> {
        let worker = Arc::new(Self {
            shared,
            registry: Registry::default(),
            drivers: TaskTracker::new(),
            wake: Notify::new(),
            queues: Mutex::default(),
            draining: AtomicBool::new(false),
        });
        worker.renew().await?;
        worker
            .shared
            .parts
            .store
            .free_lost(worker.shared.node)
            .await?;
        tasks::start(&worker);
        worker.wake();
        Ok(worker)
    }

    /// Whether this node can take one more run.
    pub(crate) fn has_room(&self) -> bool {
        !self.draining.load(Ordering::SeqCst)
            && self.registry.len() < self.shared.config.max_runs
            && self.shared.lease.is_held()
    }

    /// Looks for free runs soon.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Notes that a run waits behind others of its thread.
    pub(crate) fn queued(&self, thread: ThreadId) {
        self.queues
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(thread);
    }

    /// Tells a run's driver, if it is here, that its end was asked for.
    pub(crate) fn cancel(&self, run: RunId) {
        self.registry.order(run, |orders| orders.cancel = true);
    }

    /// Works on a run that this node has created.
    pub(crate) fn adopt(self: &Arc<Self>, run: Owned, input: Input) {
        let orders = self.registry.insert(run.run_id, self.initial_orders());
        let worker = self.clone();
        let taken = Taken {
            org_id: run.org_id,
            run_id: run.run_id,
            thread_id: run.thread_id,
            epoch: run.epoch,
            attempts: 1,
            last_seq: run.state.last_seq,
            lost: None,
            thread_position: 0,
        };
        self.drivers.spawn(async move {
            let left = Driver::new(worker.shared.clone(), run, orders)
                .drive(input)
                .await;
            worker.after(taken, left).await;
        });
    }

    /// Works on a run that this node has claimed.
    fn take_claimed(self: &Arc<Self>, claimed: &ClaimedRun) {
        if claimed.status == RunStatus::Queued {
            // More may wait behind it.
            self.queued(claimed.thread_id);
        }
        let orders = self.registry.insert(claimed.run_id, self.initial_orders());
        let (worker, taken) = (self.clone(), Taken::from(claimed));
        self.drivers.spawn(async move {
            let left = worker.load_and_drive(&taken, orders).await;
            worker.after(taken, left).await;
        });
    }

    async fn load_and_drive(&self, taken: &Taken, orders: watch::Receiver<Orders>) -> Left {
        match load(&self.shared, taken).await {
            Ok((owned, input)) => {
                Driver::new(self.shared.clone(), owned, orders)
                    .drive(input)
                    .await
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(run_id = %taken.run_id, error, "the run can't be loaded");
                Left::Broken
            }
        }
    }

    fn initial_orders(&self) -> Orders {
        Orders {
            cancel: false,
            drain: self.draining.load(Ordering::SeqCst),
        }
    }

    /// What follows when a driver has left its run.
    async fn after(&self, taken: Taken, left: Left) {
        let left = match left {
            Left::Broken => self.reload(taken).await,
            left => left,
        };
        self.registry.remove(taken.run_id);
        match left {
            Left::LetGo(status) if status.is_terminal() => {
                let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
                if queues.remove(&taken.thread_id) {
                    self.wake();
                }
            }
            Left::Broken => {
                let run_id = taken.run_id;
                tracing::error!(%run_id, "the run is left alone until the node restarts");
            }
            Left::LetGo(_) | Left::Lost => {}
        }
    }

    /// Loads a run anew after something failed under its driver. It is still this node's.
    async fn reload(&self, taken: Taken) -> Left {
        for attempts in 1..=RELOADS {
            tokio::time::sleep(RELOAD_WAIT).await;
            let head = match self
                .shared
                .parts
                .store
                .head(taken.org_id, taken.run_id)
                .await
            {
                Ok(Some(head)) if head.epoch == taken.epoch && head.owned => head,
                Ok(_) => return Left::Lost,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(run_id = %taken.run_id, error, "the run can't be loaded");
                    continue;
                }
            };
            let again = Taken {
                attempts,
                lost: None,
                last_seq: head.last_seq,
                ..taken
            };
            let orders = self.registry.insert(taken.run_id, self.initial_orders());
            match self.load_and_drive(&again, orders).await {
                Left::Broken => {}
                left => return left,
            }
        }
        Left::Broken
    }

    /// Claims what is due, as long as there is room and something comes.
    async fn claim_due(self: &Arc<Self>) -> Result<(), StoreError> {
        while self.has_room() {
            let room = self.shared.config.max_runs - self.registry.len();
            let limit = CLAIM.min(u32::try_from(room).unwrap_or(CLAIM));
            let claimed = self
                .shared
                .parts
                .store
                .claim(self.shared.node, limit)
                .await?;
            if !claimed.is_empty() {
                fault::point("after_claim");
            }
            let all = claimed.len() < limit as usize;
            for run in &claimed {
                self.take_claimed(run);
            }
            if all {
                break;
            }
        }
        Ok(())
    }

    /// Renews the lease. When it can't be known to be held any more, the node's runs are
    /// dropped: another node may have them by now.
    async fn renew(&self) -> Result<(), StoreError> {
        let moment = crate::lease::Lease::moment();
        let renewed = self.shared.parts.store.renew_lease(self.shared.node).await;
        if renewed.is_ok() {
            self.shared.lease.renewed(moment);
        } else if !self.shared.lease.is_held() {
            self.registry.drop_all();
        }
        renewed
    }

    /// Stops: no new claims, drivers stop at their next step boundary, those that haven't
    /// within `grace` at once; then the lease ends and other nodes take the runs.
    pub(crate) async fn drain(&self, grace: Duration) {
        self.draining.store(true, Ordering::SeqCst);
        self.registry.order_all(|orders| orders.drain = true);
        self.drivers.close();
        if tokio::time::timeout(grace, self.drivers.wait())
            .await
            .is_err()
        {
            self.registry.drop_all();
            // What drivers do then is bounded by the time that tools take to stop.
            let _ = tokio::time::timeout(Duration::from_secs(5), self.drivers.wait()).await;
        }
        if let Err(error) = self.shared.parts.store.end_lease(self.shared.node).await {
            tracing::warn!(error = %error, "the lease runs out by itself");
        }
    }
}
