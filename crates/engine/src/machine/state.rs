use std::sync::Arc;

use runloom_domain::event::{
    HistoryCompacted, HistorySummarised, StepRetried, StepStarted, WaitingForInput,
};
use runloom_domain::{
    Event, EventBody, EventPrivate, InputRequest, ModelCall, Multiplier, NanoUsd, Route, RunId,
    RunSpec, RunStatus, RunTotals, ThreadId, Timestamp, ToolCallId, TraceId, Transition,
};

use super::call::{Call, CallState};
use super::children::Children;
use super::model_failed::INTERRUPTED;
use super::repeats::Repeats;
use super::summary::Summary;
use crate::approval::Approvals;
use crate::port::model::ModelErrorKind;

/// Where a run stands within its loop.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    /// It waits behind another run.
    Queued,
    /// The next model call may begin.
    Ready(Try),
    /// A model call is under way; the seq is that of the first event after its beginning.
    Calling(Try, u64),
    /// The next try waits until this moment.
    BackingOff(Try, Timestamp),
    /// The step's tools run, or wait for people.
    Tools {
        /// The step.
        step: u32,
    },
    /// The model gave its final answer.
    Answered,
    /// It has ended.
    Ended,
}

/// One try of a model call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    /// The step, from 1.
    pub(crate) step: u32,
    /// The try within the step, from 1.
    pub(crate) attempt: u32,
    /// The try on this route, from 1.
    pub(crate) on_route: u32,
    /// How many of the tries on this route were answered with "too many requests".
    pub(crate) rate_limited: u32,
}

impl Try {
    fn first(step: u32) -> Self {
        Self {
            step,
            attempt: 1,
            on_route: 1,
            rate_limited: 0,
        }
    }
}

/// Who a run is, as its first event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// The run.
    pub(crate) run: RunId,
    /// Its thread.
    pub(crate) thread: ThreadId,
    /// The trace of the request that created it.
    pub(crate) trace: TraceId,
}

/// What a run's log says.
#[derive(Clone, Debug)]
pub(crate) struct RunState {
    /// The last event folded.
    pub(crate) last_seq: u64,
    /// Who it is.
    pub(crate) begun: Begun,
    /// The status that follows.
    pub(crate) status: RunStatus,
    /// The frozen configuration.
    pub(crate) spec: Arc<RunSpec>,
    /// Its rules on which calls run by themselves.
    pub(crate) approvals: Approvals,
    /// When it started.
    pub(crate) started_at: Timestamp,
    /// Where it stands.
    pub(crate) phase: Phase,
    /// The route in use: 0 is the first, then the fallbacks.
    pub(crate) route: usize,
    /// The tool calls of the current step.
    pub(crate) calls: Vec<Call>,
    /// How often the same calls were made.
    pub(crate) repeats: Repeats,
    /// What people are being asked.
    pub(crate) requests: Vec<InputRequest>,
    /// When it gives up waiting for their answers; absent when it waits for ever.
    pub(crate) waits_until: Option<Timestamp>,
    /// Sums over the model calls.
    pub(crate) totals: RunTotals,
    /// The runs that it has spawned.
    pub(crate) children: Children,
    /// What the credit entry is computed from.
    pub(crate) costs: Vec<(NanoUsd, Multiplier)>,
    /// How the history was shortened last, if it was.
    pub(crate) compacted: Option<HistoryCompacted>,
    /// What the model is shown instead of what was left out.
    pub(crate) summary: Summary,
    /// The last answer's text.
    pub(crate) output: String,
    /// Whether someone has asked for its end.
    pub(crate) cancel_requested: bool,
    /// Why, when it was nobody who asked for the end of this very run.
    pub(crate) cancel_reason: Option<String>,
}

/// A log that can't be a run's.
#[derive(Debug, thiserror::Error)]
#[error("the log does not begin with the run's frozen configuration")]
pub(crate) struct NoBeginning;

impl RunState {
    /// The state after a run's first event.
    pub(crate) fn begin(first: &Event) -> Result<Self, NoBeginning> {
        let Some(EventPrivate::Spec { spec }) = &first.private else {
            return Err(NoBeginning);
        };
        let (status, phase, begun) = match &first.body {
            EventBody::RunStarted(e) => {
                let begun = Begun {
                    run: e.run_id,
                    thread: e.thread_id,
                    trace: e.trace_id,
                };
                (RunStatus::Running, Phase::Ready(Try::first(1)), begun)
            }
            EventBody::RunQueued(e) => {
                let begun = Begun {
                    run: e.run_id,
                    thread: e.thread_id,
                    trace: e.trace_id,
                };
                (RunStatus::Queued, Phase::Queued, begun)
            }
            _ => return Err(NoBeginning),
        };
        Ok(Self {
            last_seq: first.seq,
            begun,
            status,
            approvals: Approvals::new(&spec.tools),
            spec: Arc::new((**spec).clone()),
            started_at: first.created_at,
            phase,
            route: 0,
            calls: Vec::new(),
            repeats: Repeats::default(),
            requests: Vec::new(),
            waits_until: None,
            totals: RunTotals::default(),
            children: Children::default(),
            costs: Vec::new(),
            compacted: None,
            summary: Summary::default(),
            output: String::new(),
            cancel_requested: false,
            cancel_reason: None,
        })
    }

    /// The route in use.
    pub(crate) fn route(&self) -> &Route {
        match self.route.checked_sub(1) {
            None => &self.spec.route,
            Some(fallback) => self
                .spec
                .fallbacks
                .get(fallback)
                .unwrap_or(&self.spec.route),
        }
    }

    /// What counts against its limits: its own model calls, and what the runs that it has
    /// spawned have used or may use.
    pub(crate) fn spent(&self) -> RunTotals {
        let given = self.children.spent();
        let mut spent = self.totals;
        spent.cost = spent.cost + given.cost;
        let output = &mut spent.tokens.output_tokens;
        *output = output.saturating_add(given.output_tokens);
        spent
    }

    /// Takes one more event. Deltas may be left out, as long as `last_seq` is kept.
    pub(crate) fn apply(&mut self, event: &Event) {
        self.last_seq = event.seq;
        if let Some(EventPrivate::Call { call, .. } | EventPrivate::Summary { call, .. }) =
            &event.private
        {
            self.charge(call);
        }
        match &event.body {
            EventBody::RunStarted(_) => self.start(event),
            EventBody::StepStarted(started) => self.call_model(started, event.seq),
            EventBody::StepRetried(retried) => self.retry(retried, event.created_at),
            EventBody::StepCompleted(completed) => {
                self.output.clone_from(&completed.message.content);
                self.calls.clear();
                self.phase = if completed.message.tool_calls.is_empty() {
                    Phase::Answered
                } else {
                    Phase::Tools {
                        step: completed.step,
                    }
                };
            }
            EventBody::ToolCall(called) => {
                self.repeats.count(&called.tool_name, &called.arguments);
                self.calls.push(Call::new(called));
            }
            EventBody::ToolStarted(started) => {
                if let Some(call) = self.call_mut(started.tool_call_id) {
                    call.state = CallState::Started;
                    call.starts = started.attempt;
                    call.begun_at.get_or_insert(event.created_at);
                    let child = call.child();
                    self.children.started(child, event.private.as_ref());
                }
            }
            EventBody::ToolPaused(paused) => {
                if let Some(call) = self.call_mut(paused.tool_call_id) {
                    call.pause(paused, event.private.as_ref());
                }
            }
            EventBody::ToolResult(result) => {
                let private = event.private.as_ref();
                self.children.finished(result, private);
                self.finish_call(result.tool_call_id);
            }
            EventBody::WaitingForInput(waiting) => self.wait(waiting),
            EventBody::InputReceived(_) => self.take_input(event),
            EventBody::CancelRequested(asked) => {
                self.cancel_requested = true;
                self.cancel_reason.clone_from(&asked.reason);
                self.transit(Transition::RequestCancel);
            }
            EventBody::RunCompleted(_) => self.end(RunStatus::Completed),
            EventBody::RunFailed(_) => self.end(RunStatus::Failed),
            EventBody::RunCancelled(_) => self.end(RunStatus::Cancelled),
            EventBody::HistoryCompacted(compacted) => self.compact(*compacted),
            EventBody::HistorySummarised(summarised) => self.summarised(summarised, event),
            EventBody::RunQueued(_)
            | EventBody::RunResumed(_)
            | EventBody::MessageDelta(_)
            | EventBody::ReasoningDelta(_)
            | EventBody::ToolProgress(_)
            | EventBody::Unknown { .. } => {}
        }
    }

    /// The call with this id.
    pub(crate) fn call(&self, id: ToolCallId) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id)
    }

    fn call_mut(&mut self, id: ToolCallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id)
    }

    fn charge(&mut self, call: &ModelCall) {
        self.totals = self.totals.plus(call);
        self.costs.push((call.cost, call.multiplier));
    }

    /// Moves the status if the transition is allowed; a log that was committed through the
    /// guards holds no other, except a cancel request on a run that nobody held, whose status
    /// moves with the terminal event beside it.
    fn transit(&mut self, transition: Transition) {
        if let Ok(status) = self.status.after(transition) {
            self.status = status;
        }
    }

    fn start(&mut self, event: &Event) {
        if let Some(EventPrivate::Spec { spec }) = &event.private {
            self.approvals = Approvals::new(&spec.tools);
            self.spec = Arc::new((**spec).clone());
        }
        self.started_at = event.created_at;
        self.phase = Phase::Ready(Try::first(1));
        self.transit(Transition::Start);
    }

    fn call_model(&mut self, started: &StepStarted, seq: u64) {
        let (on_route, rate_limited) = match &self.phase {
            Phase::Ready(tried) | Phase::BackingOff(tried, _) => {
                (tried.on_route, tried.rate_limited)
            }
            _ => (1, 0),
        };
        let tried = Try {
            step: started.step,
            attempt: started.attempt,
            on_route,
            rate_limited,
        };
        self.phase = Phase::Calling(tried, seq + 1);
    }

    fn summarised(&mut self, summarised: &HistorySummarised, event: &Event) {
        if let Some(EventPrivate::Summary { text, .. }) = &event.private {
            self.summary = Summary::Made(text.clone());
        }
        let mut next = match &self.phase {
            Phase::Calling(tried, _) => *tried,
            _ => Try::first(summarised.step),
        };
        next.attempt = summarised.attempt + 1;
        self.phase = Phase::Ready(next);
    }

    fn retry(&mut self, retried: &StepRetried, at: Timestamp) {
        let (on_route, rate_limited) = match &self.phase {
            Phase::Calling(tried, _) => (tried.on_route, tried.rate_limited),
            _ => (1, 0),
        };
        let class = retried.error_class.as_str();
        let was_rate_limited = class == ModelErrorKind::RateLimited.class();
        let mut next = Try {
            step: retried.step,
            attempt: retried.attempt + 1,
            on_route: on_route + u32::from(class != INTERRUPTED),
            rate_limited: rate_limited + u32::from(was_rate_limited),
        };
        if let Some(route_id) = &retried.next_route_id {
            (next.on_route, next.rate_limited) = (1, 0);
            let named = self
                .spec
                .fallbacks
                .iter()
                .position(|r| r.route_id == *route_id);
            self.route = named.map_or(0, |fallback| fallback + 1);
        }
        self.phase = if retried.delay_ms == 0 {
            Phase::Ready(next)
        } else {
            let delay = std::time::Duration::from_millis(retried.delay_ms);
            Phase::BackingOff(next, at + delay)
        };
    }

    fn finish_call(&mut self, id: ToolCallId) {
        if let Some(call) = self.call_mut(id) {
            call.state = CallState::Done;
        }
        if let (Phase::Tools { step }, true) = (&self.phase, self.calls.iter().all(Call::is_done)) {
            self.phase = Phase::Ready(Try::first(step + 1));
        }
    }

    fn wait(&mut self, waiting: &WaitingForInput) {
        self.requests.clone_from(&waiting.requests);
        self.waits_until = waiting.expires_at;
        self.transit(Transition::Wait);
    }

    fn take_input(&mut self, event: &Event) {
        let (EventBody::InputReceived(received), Some(EventPrivate::Answer { answer })) =
            (&event.body, &event.private)
        else {
            return;
        };
        let asked = self
            .requests
            .iter()
            .position(|r| r.request_id == received.request_id);
        let Some(request) = asked.map(|index| self.requests.remove(index)) else {
            return;
        };
        if let Some(call) = request.tool_call_id.and_then(|id| self.call_mut(id)) {
            call.answer(answer, received.arguments_digest.as_ref());
        }
        if self.requests.is_empty() {
            self.transit(Transition::Answer);
        }
    }

    fn end(&mut self, status: RunStatus) {
        self.status = status;
        self.phase = Phase::Ended;
        self.requests.clear();
    }
}
