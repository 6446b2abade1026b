use runloom_domain::{EncodedEvent, OrgId, RunId, RunStatus, ThreadId, UserId};
use runloom_store::{Hint, Intended, Intent, StoreError};

use crate::driver::{LoadError, fold_log};
use crate::facade::CancelError;
use crate::machine::{Context, Decision, Input, RunState, decide};
use crate::{Engine, agents};

/// How often an intent is decided anew because the run changed under it. Each time somebody
/// else got on, so this is not a matter of luck; the bound is there to have one.
const TRIES: usize = 100;

impl Engine {
    /// Asks for a run's end. When this returns the request is in the log; on a run that has
    /// ended, or whose end was asked for before, nothing is written.
    pub async fn cancel_run(
        &self,
        org: OrgId,
        run: RunId,
        user: UserId,
    ) -> Result<(), CancelError> {
        let engine = self.clone();
        let task = tokio::spawn(async move { engine.ask_to_end(org, run, user, None).await });
        task.await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// The same on behalf of a person, for a reason if it isn't that they have asked.
    pub(crate) async fn ask_to_end(
        &self,
        org: OrgId,
        run: RunId,
        user: UserId,
        reason: Option<&'static str>,
    ) -> Result<(), CancelError> {
        let store = &self.shared.parts.store;
        for _ in 0..TRIES {
            let head = store.head(org, run).await?.ok_or(CancelError::NoRun)?;
            if head.status.is_terminal() || head.status == RunStatus::Cancelling {
                self.worker.cancel(run);
                return Ok(());
            }
            let state = fold_log(&**store, org, run).await.map_err(unreadable)?;
            let unheld = !head.owned && head.last_seq == state.last_seq;
            let input = Input::CancelRequested {
                user_id: user,
                unheld,
                reason,
            };
            let decision = self.decide_intent(&state, input);
            if decision.events.is_empty() {
                // Somebody else asked between the two reads.
                self.worker.cancel(run);
                return Ok(());
            }
            // A run that somebody works on goes on being written while its end is asked for;
            // the others stand still, and what is decided of them depends on their whole log.
            let stands = unheld || state.status != RunStatus::Running;
            let expect_seq = stands.then_some(state.last_seq);
            let ends = decision.events.iter().any(|event| event.body.is_terminal());
            let intent = self.intent(org, run, &state, expect_seq, decision);
            if self.carry_out(intent).await? {
                self.follow(org, run, &state, ends);
                self.worker.cancel(run);
                self.worker.wake();
                let hints = [Hint::Cancel { run_id: run }, Hint::Free];
                self.shared.teller.tell(&hints);
                return Ok(());
            }
        }
        Err(CancelError::Store(StoreError::Unavailable(
            "the run changes too fast".into(),
        )))
    }

    /// Children end with their run, and needn't wait until it has.
    fn follow(&self, org: OrgId, run: RunId, state: &RunState, ends: bool) {
        if ends {
            agents::ended(&self.shared, org, run, state);
        } else if state.children.are_there() {
            tokio::spawn(self.end_children(org, run));
        }
    }

    /// Cancels the thread's live run, if that isn't the one that shall follow it.
    pub(super) async fn interrupt(
        &self,
        org: OrgId,
        thread: ThreadId,
        user: UserId,
        following: RunId,
    ) -> Result<(), StoreError> {
        let live = self.shared.parts.store.live_run(org, thread).await?;
        let Some(run) = live.filter(|run| *run != following) else {
            return Ok(());
        };
        match self.ask_to_end(org, run, user, None).await {
            Ok(()) | Err(CancelError::NoRun) => Ok(()),
            Err(CancelError::Store(error)) => Err(error),
        }
    }

    /// Decides on behalf of a person, from any node.
    pub(super) fn decide_intent(&self, state: &RunState, input: Input) -> Decision {
        let clock = &self.shared.parts.clock;
        let cx = Context {
            now: clock.now(),
            entropy: 0,
            due: false,
            draining: false,
            // What is decided for a person starts no call.
            check: &|_, _| Ok(()),
            max_parallel: 0,
            running: &std::collections::BTreeSet::new(),
            message_id: &|| runloom_domain::MessageId::generate(clock.now()),
            request_id: &|| runloom_domain::RequestId::generate(clock.now()),
        };
        decide(state, input, &cx)
    }

    pub(super) fn intent(
        &self,
        org_id: OrgId,
        run_id: RunId,
        state: &RunState,
        expect_seq: Option<u64>,
        decision: Decision,
    ) -> Intent {
        let now = self.shared.parts.clock.now();
        let events: Vec<EncodedEvent> = decision.events.iter().map(|e| e.encode(now)).collect();
        Intent {
            org_id,
            run_id,
            expect_status: state.status,
            expect_seq,
            events,
            projection: decision.projection.map(|boxed| *boxed).unwrap_or_default(),
        }
    }

    /// Writes an intent and shows its events; false when the run isn't as expected.
    pub(super) async fn carry_out(&self, intent: Intent) -> Result<bool, StoreError> {
        let (run, events) = (intent.run_id, intent.events.clone());
        let projection = intent.projection.clone();
        match self.shared.parts.store.intend(intent).await? {
            Intended::Applied { base } => {
                self.shared.metrics.committed(Some(&projection));
                self.shared.rings.publish(run, base, &events);
                self.shared.teller.tell(&[Hint::Log {
                    run_id: run,
                    last_seq: base + events.len() as u64,
                }]);
                Ok(true)
            }
            Intended::Conflict => Ok(false),
        }
    }
}

/// A log that can't be read, as callers of the engine see it.
pub(super) fn unreadable(error: LoadError) -> StoreError {
    match error {
        LoadError::Store(error) => error,
        other => StoreError::Corrupt {
            table: "events",
            column: "data",
            key: "a run's log".to_owned(),
            source: Box::new(other),
        },
    }
}
