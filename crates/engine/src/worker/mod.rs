//! Takes runs, hands them to drivers, keeps the node's lease, and stops cleanly.

mod registry;
mod tasks;
mod watchdog;
mod work;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use runloom_domain::{RunId, RunStatus, ThreadId};
use runloom_store::{ClaimedRun, Hint, StoreError};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::cluster;
use crate::driver::{Orders, Owned, Taken};
use crate::fault;
use crate::lease::Lease;
use crate::machine::Input;
use crate::shared::Shared;
use registry::Registry;

/// How many runs one claim takes.
const CLAIM: u32 = 50;

/// How long drivers that were let go of may take to notice, before other nodes get their runs.
const NOTICE: Duration = Duration::from_millis(250);

/// How long tools that don't stop when they are dropped are waited for.
const STUBBORN: Duration = Duration::from_secs(5);

/// The node's worker.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    registry: Registry,
    drivers: TaskTracker,
    /// Free runs may be there: a hint, for the scan finds them too.
    wake: Notify,
    /// Cancel requests of other nodes may be there: a hint, for the poll finds them too.
    look: Notify,
    /// Threads in which runs of this node may wait.
    queues: Mutex<HashSet<ThreadId>>,
    draining: AtomicBool,
    /// Free runs may be there that this node had no room for: they come before new ones.
    behind: AtomicBool,
}

impl Worker {
    /// Takes the lease, frees what was lost, and starts the tasks.
    pub(crate) async fn start(shared: Arc<Shared>) -> Result<Arc<Self>, StoreError> {
        let worker = Arc::new(Self {
            shared,
            registry: Registry::default(),
            drivers: TaskTracker::new(),
            wake: Notify::new(),
            look: Notify::new(),
            queues: Mutex::default(),
            draining: AtomicBool::new(false),
            behind: AtomicBool::new(false),
        });
        worker.shared.has_worker(&worker);
        worker.renew().await?;
        worker.free_lost().await?;
        tasks::start(&worker);
        if let Some(signals) = worker.shared.parts.signals.clone() {
            cluster::start(&worker, signals);
        }
        worker.wake();
        Ok(worker)
    }

    /// Whether this node works on a run that it creates. Those that wait come first, whoever
    /// creates how many.
    pub(crate) fn may_adopt(&self) -> bool {
        if !self.has_room() {
            self.behind.store(true, Ordering::SeqCst);
        }
        !self.behind.load(Ordering::SeqCst)
    }

    /// Looks for waiting runs, if there may be some, now that there is room for one.
    fn has_left(&self) {
        if self.behind.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Whether this node can take one more run.
    fn has_room(&self) -> bool {
        !self.draining.load(Ordering::SeqCst)
            && self.registry.len() < self.shared.config.max_runs
            && self.shared.lease.is_held()
    }

    /// Looks for free runs soon.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Looks for cancel requests soon.
    pub(crate) fn poll_soon(&self) {
        self.look.notify_one();
    }

    /// Whether the run is worked on here.
    pub(crate) fn works_on(&self, run: RunId) -> bool {
        self.registry.contains(run)
    }

    /// How many runs are worked on here.
    pub(crate) fn run_count(&self) -> usize {
        self.registry.len()
    }

    /// Notes that a run waits behind others of its thread.
    pub(crate) fn queued(&self, thread: ThreadId) {
        self.queues
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(thread);
    }

    /// Whether runs of this node may wait in the thread, now that a run of it has ended.
    fn unqueue(&self, taken: &Taken) -> bool {
        self.queues
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&taken.thread_id)
    }

    /// Tells a run's driver, if it is here, that its end was asked for.
    pub(crate) fn cancel(&self, run: RunId) {
        self.registry.order(run, |orders| orders.cancel = true);
    }

    /// Works on a run that this node has created.
    pub(crate) fn adopt(self: &Arc<Self>, run: Owned, input: Input) {
        let taken = Taken {
            org_id: run.org_id,
            run_id: run.run_id,
            thread_id: run.thread_id,
            epoch: run.epoch,
            attempts: 1,
            last_seq: run.state.last_seq,
            lost: None,
            due: false,
            thread_position: 0,
        };
        self.work_on(taken, Some((run, input)));
    }

    fn initial_orders(&self) -> Orders {
        Orders {
            cancel: false,
            drain: self.draining.load(Ordering::SeqCst),
        }
    }

    /// Claims what is due, as long as there is room and something comes.
    async fn claim_due(self: &Arc<Self>) -> Result<(), StoreError> {
        while self.has_room() {
            self.behind.store(false, Ordering::SeqCst);
            let room = self.shared.config.max_runs - self.registry.len();
            let limit = CLAIM.min(u32::try_from(room).unwrap_or(CLAIM));
            let claimed = self.claim(limit).await?;
            if !claimed.is_empty() {
                fault::point("after_claim");
            }
            let all = claimed.len() < limit as usize;
            for run in &claimed {
                if run.status == RunStatus::Queued {
                    // More may wait behind it.
                    self.queued(run.thread_id);
                }
                self.work_on(Taken::from(run), None);
            }
            if all {
                return Ok(());
            }
        }
        self.behind.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn claim(&self, limit: u32) -> Result<Vec<ClaimedRun>, StoreError> {
        let (store, metrics) = (&self.shared.parts.store, &self.shared.metrics);
        let began = Instant::now();
        let claimed = store.claim(self.shared.node, limit).await?;
        metrics.runs.claimed(began.elapsed(), claimed.len());
        Ok(claimed)
    }

    /// Frees the runs of nodes whose lease has ended.
    async fn free_lost(&self) -> Result<(), StoreError> {
        let store = &self.shared.parts.store;
        let freed = store.free_lost(self.shared.node).await?;
        self.shared.metrics.runs.lost.inc_by(freed);
        Ok(())
    }

    /// Renews the lease. A node that could not renew it in time has dropped its runs: they are
    /// freed before it is taken anew, so that whoever claims them has a new epoch.
    async fn renew(&self) -> Result<(), StoreError> {
        let (store, lease) = (&self.shared.parts.store, &self.shared.lease);
        let moment = Lease::moment();
        if lease.has_lapsed() {
            self.registry.drop_all();
            store.end_lease(self.shared.node).await?;
            lease.restart();
            self.shared.metrics.node.lapses.inc();
        }
        store.renew_lease(self.shared.node).await?;
        if lease.has_lapsed() {
            // It lapsed while the renewal was on its way; the next round frees the runs.
            return Ok(());
        }
        lease.renewed(moment);
        Ok(())
    }

    /// Stops: no new claims, drivers stop at their next step boundary, those that haven't
    /// within `grace` at once; then the lease ends and other nodes take the runs. A tool that
    /// can't be stopped keeps none of them waiting: whatever it comes to is refused.
    pub(crate) async fn drain(&self, grace: Duration) {
        self.draining.store(true, Ordering::SeqCst);
        self.registry.order_all(|orders| orders.drain = true);
        self.drivers.close();
        let mut quiet = self.is_quiet_within(grace).await;
        if !quiet {
            self.registry.drop_all();
            quiet = self.is_quiet_within(NOTICE).await;
        }
        if let Err(error) = self.shared.parts.store.end_lease(self.shared.node).await {
            tracing::warn!(error = %error, "the lease runs out by itself");
        }
        self.shared.teller.tell(&[Hint::Free]);
        if !quiet && !self.is_quiet_within(STUBBORN).await {
            tracing::warn!("a tool or a model adapter doesn't stop; it ends with the process");
        }
    }

    /// Whether no driver works on a run any more within that time.
    async fn is_quiet_within(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.drivers.wait())
            .await
            .is_ok()
    }
}
