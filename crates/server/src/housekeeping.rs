//! What is done now and then: the log's parts are made ahead, and what is kept no longer goes.
//!
//! Every node does this; where several share a database, the store lets one at a time.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{Clock, Timestamp};
use runloom_store::StoreError;
use runloom_store_sql::Database;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::spread::spread;

mod measure;

/// Runs that one step lets expire. It writes two short rows for each.
const RUNS: u32 = 200;

/// Rows that one step deletes: about 10 ms of SQLite's only writer.
const ROWS: u32 = 500;

/// The pause after a step, in which others write.
const PAUSE: Duration = Duration::from_millis(20);

/// How long the start waits for the log's parts. They are made also when it waits no longer.
const FIRST: Duration = Duration::from_secs(5);

/// For how long a session is remembered that can't go on: where a person was signed in last decides
/// to which organisation they come back.
const SESSIONS_KEPT: Duration = Duration::from_hours(60 * 24);

/// The housekeeper of one node.
pub(crate) struct Housekeeper {
    store: Arc<dyn Database>,
    clock: Arc<dyn Clock>,
    retention_days: u32,
    measures_all: bool,
    every: Duration,
}

/// What is deleted in steps.
#[derive(Clone, Copy)]
enum What {
    /// Events of expired runs.
    Events,
    /// Idempotency keys that are forgotten.
    Keys,
    /// Sessions that ended long ago, and tokens to reset a password.
    Sessions,
}

/// What one round has done.
#[derive(Debug, Default, PartialEq)]
struct Round {
    runs: u64,
    events: u64,
    keys: u64,
    sessions: u64,
    made: u64,
    dropped: u64,
}

impl Housekeeper {
    pub(crate) fn new(
        store: Arc<dyn Database>,
        clock: Arc<dyn Clock>,
        config: &config::Housekeeping,
    ) -> Self {
        Self {
            store,
            clock,
            retention_days: config.event_retention_days,
            measures_all: false,
            every: config.every(),
        }
    }

    /// Measures what all organisations keep, not only those with a limit of their own.
    pub(crate) fn measuring_all(self, measures_all: bool) -> Self {
        Self {
            measures_all,
            ..self
        }
    }

    /// Makes the log's parts before the first event of this node is written: in an empty log
    /// that is done at once.
    pub(crate) async fn prepare(&self) {
        let tended = tokio::time::timeout(FIRST, self.store.tend_log(self.retention_days)).await;
        if let Ok(Err(error)) = tended {
            warn(&error, "the log's parts can't be made yet");
        }
    }

    /// Goes round until `drain` is cancelled. What a step has begun is done to its end by the
    /// store.
    pub(crate) async fn run(self, drain: CancellationToken) {
        let rounds = async {
            loop {
                let round = self.round().await;
                if round != Round::default() {
                    round.log();
                }
                tokio::time::sleep(spread(self.every)).await;
            }
        };
        drain.run_until_cancelled(rounds).await;
    }

    /// Whatever fails is tried again the next time.
    async fn round(&self) -> Round {
        let mut round = Round::default();
        if let Err(error) = self.expire(&mut round).await {
            warn(&error, "runs can't expire");
        }
        match self.store.tend_log(self.retention_days).await {
            Ok(tended) => (round.made, round.dropped) = (tended.made, tended.dropped),
            Err(error) => warn(&error, "the log's parts can't be tended"),
        }
        if let Err(error) = self.delete(What::Events, &mut round.events).await {
            warn(&error, "expired events can't be deleted");
        }
        if let Err(error) = self.delete(What::Keys, &mut round.keys).await {
            warn(&error, "forgotten idempotency keys can't be deleted");
        }
        if let Err(error) = self.delete(What::Sessions, &mut round.sessions).await {
            warn(&error, "old sessions can't be deleted");
        }
        if let Err(error) = measure::measure(&*self.store, self.measures_all).await {
            warn(&error, "what organisations keep can't be measured");
        }
        round
    }

    async fn expire(&self, round: &mut Round) -> Result<(), StoreError> {
        let mut from = None;
        loop {
            let step = self.store.expire_runs(self.retention_days, from, RUNS);
            let step = step.await?;
            round.runs += step.runs;
            if step.next.is_none() {
                return Ok(());
            }
            from = step.next;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The moment before which sessions are forgotten.
    fn long_ago(&self) -> Timestamp {
        let kept = i64::try_from(SESSIONS_KEPT.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.clock.now().as_micros().saturating_sub(kept))
    }

    async fn delete(&self, what: What, rows: &mut u64) -> Result<(), StoreError> {
        loop {
            let step = match what {
                What::Events => self.store.delete_expired(self.retention_days, ROWS).await?,
                What::Keys => self.store.delete_keys(ROWS).await?,
                What::Sessions => self.store.delete_sessions(self.long_ago(), ROWS).await?,
            };
            *rows += step.rows;
            if !step.more {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Round {
    fn log(&self) {
        tracing::info!(
            expired_runs = self.runs,
            deleted_events = self.events,
            deleted_keys = self.keys,
            deleted_sessions = self.sessions,
            made_log_parts = self.made,
            dropped_log_parts = self.dropped,
            "housekeeping"
        );
    }
}

fn warn(error: &StoreError, what: &str) {
    let cause = error.source().map(|cause| format!(": {cause}"));
    tracing::warn!(
        error = format!("{error}{}", cause.unwrap_or_default()),
        "{what}"
    );
}
