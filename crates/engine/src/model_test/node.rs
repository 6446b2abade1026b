//! A node without tasks: it decides and commits like a driver, but only when told to.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use runloom_domain::event::{Delta, FinishReason};
use runloom_domain::{
    Clock, EncodedEvent, Event, EventBody, MessageId, NewEvent, NodeId, RequestId, RunId,
    TokenBuckets, ToolCallId, Usage,
};
use runloom_store::{Appended, Change};

use super::{Bench, Failure};
use crate::driver::Owned;
use crate::machine::{
    AnsweredCall, Context, Effect, FailedCall, Input, ModelAnswer, SPAWN_AGENT, StopCause,
    ToolOutcome, decide,
};
use crate::port::model::{ModelError, ModelErrorKind};
use crate::port::tool::ToolError;

/// The tools a model may ask for: one of each kind, and one that doesn't exist.
pub(super) const TOOLS: [&str; 8] = [
    "pure",
    "keyed",
    "once",
    "ask_first",
    SPAWN_AGENT,
    "question",
    "denied",
    "missing",
];

/// A run in a node's hands.
pub(super) struct Sim {
    pub(super) owned: Owned,
    /// The (step, attempt) of the call under way.
    pub(super) calling: Option<(u32, u32)>,
    pub(super) running: BTreeSet<ToolCallId>,
    pub(super) waits: bool,
}

pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) runs: HashMap<RunId, Sim>,
}

/// What became of a command on a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    LetGo,
    Lost,
}

pub(super) fn usage(n: u64) -> Usage {
    let tokens = TokenBuckets {
        uncached_input_tokens: n,
        cache_read_tokens: n / 2,
        cache_write_tokens: 1,
        output_tokens: n,
    };
    Usage::reported(tokens).expect("small figures are credible")
}

impl Sim {
    pub(super) fn new(owned: Owned) -> Self {
        Self {
            owned,
            calling: None,
            running: BTreeSet::new(),
            waits: false,
        }
    }

    /// Appends pieces of the answer.
    pub(super) async fn say(&mut self, bench: &Bench, pieces: u8) -> Fate {
        let Some((step, attempt)) = self.calling else {
            return Fate::Kept;
        };
        let piece = || {
            let role = Some("assistant".to_owned());
            let delta = Delta {
                content: "w ".to_owned(),
                role,
                step,
                attempt,
            };
            NewEvent::public(EventBody::MessageDelta(delta)).encode(bench.clock.now())
        };
        let events: Vec<EncodedEvent> = (0..pieces).map(|_| piece()).collect();
        let change = self.change(events, None, None);
        match append(bench, change).await {
            Appended::Committed { base } => {
                self.catch_up(bench, base).await;
                self.owned.state.last_seq = base + u64::from(pieces);
                Fate::Kept
            }
            Appended::Stale => Fate::Lost,
            other => panic!("deltas were {other:?}"),
        }
    }

    pub(super) async fn finish_call(&mut self, bench: &Bench, tools: &[usize]) -> Fate {
        if self.calling.take().is_none() {
            return Fate::Kept;
        }
        let call = |tool: &usize| AnsweredCall {
            tool_call_id: ToolCallId::generate(bench.clock.now()),
            provider_id: "call_0".to_owned(),
            name: TOOLS[*tool].to_owned(),
            arguments: serde_json::json!({"question": "why?"}),
        };
        let answer = ModelAnswer {
            text: "so be it".to_owned(),
            calls: tools.iter().map(call).collect(),
            reason: FinishReason::Stop,
            usage: usage(40),
            reported_cost: None,
            provider: None,
        };
        self.take(bench, Input::ModelFinished(answer)).await
    }

    pub(super) async fn fail_call(&mut self, bench: &Bench, how: Failure) -> Fate {
        if self.calling.take().is_none() {
            return Fate::Kept;
        }
        let (kind, wish) = match how {
            Failure::Soon => (ModelErrorKind::Unavailable, None),
            Failure::Later => (ModelErrorKind::RateLimited, Some(Duration::from_secs(20))),
            Failure::TooLong => (ModelErrorKind::ContextOverflow, None),
            Failure::ForGood => (ModelErrorKind::Unauthorized, None),
        };
        let mut error = ModelError::new(kind, "as planned");
        error.retry_after = wish;
        self.take(
            bench,
            Input::ModelFailed(FailedCall {
                error,
                usage: usage(8),
                reported_cost: None,
                shorter: Some(500),
                text: None,
            }),
        )
        .await
    }

    pub(super) async fn tool_done(&mut self, bench: &Bench, ok: bool) -> Fate {
        let Some(id) = self.running.pop_first() else {
            return Fate::Kept;
        };
        let result = if ok {
            Ok("42".into())
        } else {
            Err(ToolError::failed("no luck"))
        };
        let outcome = ToolOutcome {
            tool_call_id: id,
            result,
            duration_ms: 3,
            output_cap: 1,
            private: None,
        };
        self.take(bench, Input::ToolFinished(outcome)).await
    }

    pub(super) async fn wait_over(&mut self, bench: &Bench) -> Fate {
        if !std::mem::take(&mut self.waits) {
            return Fate::Kept;
        }
        self.take(bench, Input::WaitOver).await
    }

    /// Looks whether the run's end was asked for.
    pub(super) async fn obey(&mut self, bench: &Bench) -> Fate {
        self.catch_up(bench, u64::MAX).await;
        if !self.owned.state.cancel_requested {
            return Fate::Kept;
        }
        let error = ModelError::new(ModelErrorKind::Cut, "stopped");
        let cut = self.calling.take().map(|_| FailedCall {
            error,
            usage: usage(4),
            reported_cost: None,
            shorter: Some(500),
            text: Some("so".to_owned()),
        });
        self.running.clear();
        self.take(
            bench,
            Input::Stopped {
                cause: StopCause::Cancel,
                cut,
            },
        )
        .await
    }

    /// Decides, commits and notes what would be started.
    pub(super) async fn take(&mut self, bench: &Bench, input: Input) -> Fate {
        loop {
            let now = bench.clock.now();
            let cx = Context {
                now,
                entropy: 7,
                due: self.owned.due,
                draining: false,
                check: &|_, _| Ok(()),
                max_parallel: 2,
                running: &self.running,
                message_id: &|| MessageId::generate(now),
                request_id: &|| RequestId::generate(now),
            };
            let decision = decide(&self.owned.state, input.clone(), &cx);
            if decision.events.is_empty() && decision.projection.is_none() {
                return self.act(decision.effects);
            }
            let events = decision
                .events
                .iter()
                .map(|event| event.encode(now))
                .collect();
            let status = Some(self.owned.state.status);
            let change = self.change(events, decision.projection, status);
            match append(bench, change).await {
                Appended::Committed { base } => {
                    self.catch_up(bench, base).await;
                    for NewEvent { body, private } in decision.events {
                        let seq = self.owned.state.last_seq + 1;
                        self.owned.state.apply(&Event {
                            seq,
                            created_at: now,
                            body,
                            private,
                        });
                    }
                    return self.act(decision.effects);
                }
                Appended::Moved => {
                    self.catch_up(bench, u64::MAX).await;
                    self.calling = None;
                    self.running.clear();
                }
                Appended::Stale => return Fate::Lost,
                other => panic!("a decision was {other:?}"),
            }
        }
    }

    fn change(
        &self,
        events: Vec<EncodedEvent>,
        projection: Option<Box<runloom_store::Projection>>,
        expect_status: Option<runloom_domain::RunStatus>,
    ) -> Change {
        Change {
            org_id: self.owned.org_id,
            run_id: self.owned.run_id,
            epoch: self.owned.epoch,
            expect_status,
            events,
            projection,
        }
    }

    fn act(&mut self, effects: Vec<Effect>) -> Fate {
        self.owned.due = false;
        for effect in effects {
            match effect {
                Effect::CallModel { step, attempt, .. } => self.calling = Some((step, attempt)),
                Effect::RunTool { tool_call_id, .. } => {
                    self.running.insert(tool_call_id);
                }
                Effect::Wait(_) => self.waits = true,
                Effect::LetGo => return Fate::LetGo,
            }
        }
        Fate::Kept
    }

    async fn catch_up(&mut self, bench: &Bench, until: u64) {
        let (org, run) = (self.owned.org_id, self.owned.run_id);
        let log = bench
            .store
            .log(org, run, self.owned.state.last_seq, 1_000)
            .await
            .expect("a log");
        for stored in log.iter().filter(|stored| stored.seq <= until) {
            self.owned.state.apply(&stored.decode().expect("an event"));
        }
    }
}

async fn append(bench: &Bench, change: Change) -> Appended {
    let mut outcomes = bench.store.append(vec![change]).await.expect("an append");
    outcomes.pop().expect("an outcome for each change")
}
