//! One run after another driver: what happens when a driver leaves its run.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use runloom_domain::event::{RunFailed, ShownTotals};
use runloom_domain::{EventBody, NewEvent, RunStatus, credits_for};
use runloom_store::{Change, Projection, RunEnd, RunHead};

use super::Worker;
use super::registry::Reins;
use crate::agents;
use crate::driver::{Driver, Left, LoadError, Owned, Taken, load};
use crate::machine::Input;

/// How often a run that breaks its driver is loaded anew before it is given up. An
/// unavailable database doesn't count.
const RELOADS: u32 = 5;
/// The first and the longest wait before that.
const RELOAD_WAIT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

impl Worker {
    /// Works on a run that this node owns, until it is let go of. `begun` saves loading it.
    pub(super) fn work_on(self: &Arc<Self>, taken: Taken, begun: Option<(Owned, Input)>) {
        let reins = self
            .registry
            .insert(taken.run_id, taken.epoch, self.initial_orders());
        let worker = self.clone();
        // The task is as large as all that it may ever await, and thousands of runs may be
        // waiting in theirs: what a run needs only once is boxed.
        let first = if let Some((owned, input)) = begun {
            self.drive(owned, reins, input).boxed()
        } else {
            let worker = self.clone();
            async move { worker.load_and_drive(&taken, reins).await }.boxed()
        };
        self.drivers.spawn(async move {
            let mut left = first.await;
            if matches!(left, Left::Broken | Left::Unread) {
                left = Box::pin(worker.reload(&taken)).await;
            }
            worker.registry.remove(taken.run_id, taken.epoch);
            worker.left(&taken, left);
            worker.has_left();
        });
    }

    /// Drives a run. A model adapter is somebody else's code: its panic breaks only this run.
    fn drive(&self, run: Owned, reins: Reins, input: Input) -> impl Future<Output = Left> + use<> {
        let driver = Box::new(Driver::new(
            self.shared.clone(),
            run,
            reins.orders,
            reins.bound,
        ));
        let driving = AssertUnwindSafe(driver.drive(input)).catch_unwind();
        driving.map(|left| left.unwrap_or(Left::Broken))
    }

    async fn load_and_drive(&self, taken: &Taken, reins: Reins) -> Left {
        match load(&self.shared, taken).await {
            Ok((owned, input)) => self.drive(owned, reins, input).await,
            Err(LoadError::Store(error)) if error.is_transient() => {
                tracing::warn!(run_id = %taken.run_id, error = %error, "the run can't be loaded");
                Left::Unread
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(run_id = %taken.run_id, error, "the run can't be loaded");
                Left::Broken
            }
        }
    }

    fn left(&self, taken: &Taken, left: Left) {
        if matches!(left, Left::LetGo(status) if status.is_terminal()) && self.unqueue(taken) {
            self.wake();
        }
    }

    /// Loads a run anew after something failed under its driver, as long as it is this node's.
    async fn reload(&self, taken: &Taken) -> Left {
        let (mut failures, mut wait) = (0, RELOAD_WAIT.0);
        while failures < RELOADS {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RELOAD_WAIT.1);
            let head = match self.head(taken).await {
                Ok(Some(head)) => head,
                Ok(None) => return Left::Lost,
                Err(()) => continue,
            };
            let reins = self
                .registry
                .insert(taken.run_id, taken.epoch, self.initial_orders());
            let again = Taken {
                attempts: 1,
                lost: None,
                due: false,
                last_seq: head.last_seq,
                ..*taken
            };
            match self.load_and_drive(&again, reins).await {
                Left::Broken => failures += 1,
                Left::Unread => {}
                left => return left,
            }
        }
        self.give_up(taken).await
    }

    /// The run's row while it is this node's; an error when the database doesn't answer.
    async fn head(&self, taken: &Taken) -> Result<Option<RunHead>, ()> {
        match self
            .shared
            .parts
            .store
            .head(taken.org_id, taken.run_id)
            .await
        {
            Ok(head) => Ok(head.filter(|head| head.epoch == taken.epoch && head.owned)),
            Err(error) => {
                tracing::warn!(run_id = %taken.run_id, error = %error, "the run can't be read");
                Err(())
            }
        }
    }

    /// Ends a run whose log can't be worked with, from its rows alone: nobody shall wait for
    /// it for ever.
    async fn give_up(&self, taken: &Taken) -> Left {
        let store = &self.shared.parts.store;
        let record = store.run(taken.org_id, taken.run_id).await.ok().flatten();
        let totals = record.as_ref().map(|record| record.totals);
        let totals = totals.unwrap_or_default();
        let cost = [(totals.cost, runloom_domain::Multiplier::default())];
        let credits = credits_for(cost, self.shared.config.credit_rate);
        let now = self.shared.parts.clock.now();
        let message = "the run can't be worked on";
        let failed = EventBody::RunFailed(RunFailed {
            error_class: "internal.error".to_owned(),
            message: message.to_owned(),
            totals: ShownTotals::new(&totals, credits),
        });
        let change = Change {
            org_id: taken.org_id,
            run_id: taken.run_id,
            epoch: taken.epoch,
            expect_status: None,
            events: vec![NewEvent::public(failed).encode(now)],
            projection: Some(Box::new(Projection {
                status: Some(RunStatus::Failed),
                end: Some(RunEnd {
                    at: now,
                    credits,
                    error_class: Some("internal.error".to_owned()),
                    error_message: Some(message.to_owned()),
                }),
                ..Projection::default()
            })),
        };
        match self.shared.writer.append(change).await {
            Ok(_) => {
                if let Some(record) = &record {
                    agents::ended_by_row(&self.shared, record);
                }
                Left::LetGo(RunStatus::Failed)
            }
            Err(refused) => {
                tracing::error!(run_id = %taken.run_id, ?refused, "the run can't be ended");
                Left::Lost
            }
        }
    }
}
