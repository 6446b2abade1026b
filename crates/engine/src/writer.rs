//! The one writer of this process: gathers what all runs append and commits it together.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_store::{Appended, Change, Hint, RunStore, StoreError, Wake};
use tokio::sync::{mpsc, oneshot};

use crate::cluster::Teller;
use crate::fault::{self, Bug};
use crate::live::Rings;
use crate::metrics::Metrics;

/// How many changes one commit takes at most.
const MAX_BATCH: usize = 4_000;
/// The first and the longest wait while the database does not answer.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// The wait when all that is left is locked by others for the moment.
const LOCKED: Duration = Duration::from_millis(2);

/// Why a change was not committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The run isn't this node's any more.
    Stale,
    /// The run's status isn't the expected one.
    Moved,
    /// The database refuses the data.
    Invalid(String),
}

struct Job {
    change: Change,
    done: oneshot::Sender<Result<u64, Refused>>,
}

/// The handle to the writer task.
#[derive(Clone)]
pub(crate) struct Writer(mpsc::UnboundedSender<Job>);

impl Writer {
    /// Starts the task; it ends when all handles are gone.
    pub(crate) fn start(
        store: Arc<dyn RunStore>,
        rings: Rings,
        teller: Teller,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(
            Task {
                store,
                rings,
                teller,
                metrics,
                receiver,
                waiting: VecDeque::new(),
            }
            .run(),
        );
        Self(sender)
    }

    /// Commits a change, shows its events to those who watch, and returns the run's last seq
    /// before it. Waits as long as the database is unavailable. The queue is bounded by the
    /// number of runs, since each run has at most one change on its way. Dropping the future
    /// does not take the change back.
    pub(crate) async fn append(&self, change: Change) -> Result<u64, Refused> {
        let (done, answer) = oneshot::channel();
        // The task outlives every driver; if it is gone, the runtime is going down and the
        // run is as good as lost to this node.
        let _ = self.0.send(Job { change, done });
        answer.await.unwrap_or(Err(Refused::Stale))
    }
}

struct Task {
    store: Arc<dyn RunStore>,
    rings: Rings,
    teller: Teller,
    metrics: Arc<Metrics>,
    receiver: mpsc::UnboundedReceiver<Job>,
    waiting: VecDeque<Job>,
}

impl Task {
    async fn run(mut self) {
        while self.gather().await {
            let batch = self.take_batch();
            if fault::planted(Bug::EarlyPublish) {
                self.show_too_early(&batch).await;
            }
            let outcomes = self.commit(&batch).await;
            self.answer(batch, outcomes).await;
        }
    }

    /// Waits for work, then takes all that is there; no timed window: while one batch is
    /// being flushed the next one gathers.
    async fn gather(&mut self) -> bool {
        if self.waiting.is_empty() {
            match self.receiver.recv().await {
                Some(job) => self.waiting.push_back(job),
                None => return false,
            }
        }
        while self.waiting.len() < MAX_BATCH
            && let Ok(job) = self.receiver.try_recv()
        {
            self.waiting.push_back(job);
        }
        true
    }

    /// A batch holds each run once; further changes of a run wait for the next one.
    fn take_batch(&mut self) -> Vec<Job> {
        let mut runs = HashSet::with_capacity(self.waiting.len());
        let (batch, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|job| runs.insert(job.change.run_id));
        self.waiting = rest;
        batch.into()
    }

    async fn commit(&self, batch: &[Job]) -> Vec<Appended> {
        let mut wait = RETRY.0;
        loop {
            let changes = batch.iter().map(|job| job.change.clone()).collect();
            let began = Instant::now();
            let answer = self.store.append(changes).await;
            self.measure(batch, began.elapsed(), answer.is_ok());
            match answer {
                Ok(outcomes) => return outcomes,
                Err(error) if error.is_transient() => {
                    tracing::warn!(error = %chain(&error), changes = batch.len(),
                        "append is waiting for the database");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY.1);
                }
                Err(error) if batch.len() == 1 => {
                    tracing::error!(error = %chain(&error), "an append was refused");
                    return vec![Appended::Invalid {
                        reason: chain(&error),
                    }];
                }
                // One run's trouble must not become everybody's: each change alone.
                Err(_) => {
                    let mut outcomes = Vec::with_capacity(batch.len());
                    for job in batch {
                        outcomes.extend(Box::pin(self.commit(std::slice::from_ref(job))).await);
                    }
                    return outcomes;
                }
            }
        }
    }

    fn measure(&self, batch: &[Job], took: Duration, committed: bool) {
        if !committed {
            return self.metrics.log.failures.inc();
        }
        let events: usize = batch.iter().map(|job| job.change.events.len()).sum();
        self.metrics.log.committed(took, batch.len(), events);
    }

    /// A planted bug: watchers see what may never be committed.
    async fn show_too_early(&self, batch: &[Job]) {
        for Job { change, .. } in batch {
            if let Ok(Some(head)) = self.store.head(change.org_id, change.run_id).await {
                self.rings
                    .publish(change.run_id, head.last_seq, &change.events);
            }
        }
        // Time for the watchers to be told.
        tokio::time::sleep(Duration::from_millis(5)).await;
        fault::point("before_publish");
    }

    /// A planted bug: a stale change is made to fit the run's present epoch.
    async fn refit(&mut self, mut job: Job) {
        let Change { org_id, run_id, .. } = job.change;
        let head = self.store.head(org_id, run_id).await.ok().flatten();
        if let Some(head) = head.filter(|head| head.owned) {
            job.change.epoch = head.epoch;
            self.waiting.push_back(job);
        } else {
            let _ = job.done.send(Err(Refused::Stale));
        }
    }

    async fn answer(&mut self, batch: Vec<Job>, outcomes: Vec<Appended>) {
        fault::point("before_publish");
        let size = batch.len();
        let mut hints = Vec::new();
        for (job, outcome) in batch.into_iter().zip(outcomes) {
            let answer = match outcome {
                Appended::Committed { base } => {
                    // First, so that who has seen a run's end finds it counted.
                    self.metrics.committed(job.change.projection.as_deref());
                    self.rings
                        .publish(job.change.run_id, base, &job.change.events);
                    if !self.teller.is_alone() {
                        hints_of(&job.change, base, &mut hints);
                    }
                    Ok(base)
                }
                Appended::Locked => {
                    self.waiting.push_back(job);
                    continue;
                }
                Appended::Stale if fault::planted(Bug::NoFence) => {
                    self.refit(job).await;
                    continue;
                }
                Appended::Stale => {
                    self.metrics.log.fenced.inc();
                    Err(Refused::Stale)
                }
                Appended::Moved => Err(Refused::Moved),
                Appended::Invalid { reason } => Err(Refused::Invalid(reason)),
            };
            // A driver that is gone no longer needs the answer.
            let _ = job.done.send(answer);
        }
        self.teller.tell(&hints);
        if self.waiting.len() == size {
            tokio::time::sleep(LOCKED).await;
        }
    }
}

/// What other nodes may want to look at after a change.
fn hints_of(change: &Change, base: u64, hints: &mut Vec<Hint>) {
    if !change.events.is_empty() {
        hints.push(Hint::Log {
            run_id: change.run_id,
            last_seq: base + change.events.len() as u64,
        });
    }
    let released = change.projection.as_ref().and_then(|p| p.release);
    if released == Some(Wake::Now) {
        hints.push(Hint::Free);
    }
}

/// An error with its causes, for the log.
pub(crate) fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
