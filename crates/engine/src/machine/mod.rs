//! The pure core: what a run's log means, and what to do next.
//!
//! [`RunState`] is folded from the run's events. [`decide`] takes a state and an input and
//! returns a [`Decision`]: the events to append with what follows from them, and the effects
//! to start once they are committed. Nothing here does I/O, reads a clock, draws a random
//! number or awaits; all of that comes in by [`Context`].
//!
//! Each input has a file of its own, which says what the input means for the log. They all
//! end in [`go_on`](go_on::go_on), which looks only at the state and so decides the same
//! after an input as after a crash: that is why recovery needs no code of its own.

mod answered;
mod call;
mod cancel;
mod children;
mod claimed;
mod draft;
mod go_on;
mod model_failed;
mod model_finished;
mod repeats;
mod settle;
mod state;
mod stopped;
mod summary;
#[cfg(test)]
mod tests;
mod tool_finished;
mod tools;

pub(crate) use call::{Call, CallState};
pub(crate) use children::{Children, SPAWN_AGENT, WAIT_AGENTS, is_own};
pub(crate) use model_failed::FailedCall;
pub(crate) use model_finished::{AnsweredCall, ModelAnswer};
pub(crate) use state::{Phase, RunState};
pub(crate) use stopped::StopCause;
pub(crate) use summary::Summary;
pub(crate) use tool_finished::ToolOutcome;

use std::collections::BTreeSet;
use std::time::Duration;

use runloom_domain::event::{CallPurpose, ResumeReason};
use runloom_domain::{
    Answer, MessageId, NewEvent, RequestId, Route, Timestamp, ToolCallId, ToolPin, Usage, UserId,
};
use runloom_store::Projection;
use serde_json::Value;

use draft::Draft;

/// Waits shorter than this stay in memory; longer ones free the run.
pub(crate) const SHORT_WAIT: Duration = Duration::from_secs(5);

/// Claims without progress after which a run is given up: three unclean losses.
pub(crate) const MAX_ATTEMPTS: u32 = 4;

/// What the world adds to a decision.
pub(crate) struct Context<'a> {
    /// The present moment.
    pub(crate) now: Timestamp,
    /// Random bits, for jitter.
    pub(crate) entropy: u32,
    /// Whether the run was claimed because its time had come.
    pub(crate) due: bool,
    /// Whether the node is being stopped: then nothing new is begun.
    pub(crate) draining: bool,
    /// Whether a call's arguments fit the definition that the run has pinned; else what doesn't.
    pub(crate) check: &'a (dyn Fn(&ToolPin, &Value) -> Result<(), String> + Sync),
    /// How many tool calls may run at once.
    pub(crate) max_parallel: usize,
    /// Tool calls that run in this process now.
    pub(crate) running: &'a BTreeSet<ToolCallId>,
    /// Mints message ids.
    pub(crate) message_id: &'a (dyn Fn() -> MessageId + Sync),
    /// Mints request ids.
    pub(crate) request_id: &'a (dyn Fn() -> RequestId + Sync),
}

/// What has happened.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// This node has just taken the run: it was created here, or claimed.
    Claimed {
        /// Claims without progress.
        attempts: u32,
        /// Why the last owner lost it.
        lost: Option<ResumeReason>,
        /// The thread's last position, for a run that was queued.
        thread_position: u64,
        /// What a model call that the crash cut had used, by estimate.
        cut_usage: Usage,
    },
    /// The model has answered.
    ModelFinished(ModelAnswer),
    /// The model call has failed.
    ModelFailed(FailedCall),
    /// A tool call has ended.
    ToolFinished(ToolOutcome),
    /// A short wait is over.
    WaitOver,
    /// The run's work has been stopped.
    Stopped {
        /// Why.
        cause: StopCause,
        /// The model call that was cut, if there was one.
        cut: Option<FailedCall>,
    },
    /// A person has answered. Decided by the node that took the answer.
    Answered {
        /// Which requests, and how.
        answers: Vec<(RequestId, Answer)>,
        /// Who.
        user_id: UserId,
    },
    /// A person asks for the run's end. Decided by the node that was asked.
    CancelRequested {
        /// Who.
        user_id: UserId,
        /// Whether no node owned the run a moment ago. If one takes it meanwhile, its first
        /// append finds the run ended.
        unheld: bool,
        /// Why, when it is nobody who asks for the end of this very run.
        reason: Option<&'static str>,
    },
}

/// What to do once the events are committed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Call the model.
    CallModel {
        /// The step.
        step: u32,
        /// The try.
        attempt: u32,
        /// What for, when it isn't for the answer.
        purpose: Option<CallPurpose>,
        /// Where to.
        route: Box<Route>,
    },
    /// Run a tool.
    RunTool {
        /// The call.
        tool_call_id: ToolCallId,
        /// The tool.
        tool_name: String,
        /// Its arguments.
        arguments: Value,
    },
    /// Wait, then say [`Input::WaitOver`].
    Wait(Duration),
    /// Let go of the run: it waits for a person or a time, or has ended.
    LetGo,
}

/// What to append, and what to do then.
#[derive(Debug)]
pub(crate) struct Decision {
    /// The events; empty when there is nothing to say.
    pub(crate) events: Vec<NewEvent>,
    /// What follows from them.
    pub(crate) projection: Option<Box<Projection>>,
    /// What to do once they are committed.
    pub(crate) effects: Vec<Effect>,
}

/// Decides. The state is not changed: it changes when the events are committed and folded.
pub(crate) fn decide(state: &RunState, input: Input, cx: &Context<'_>) -> Decision {
    let mut draft = Draft::new(state, cx);
    match input {
        Input::Claimed {
            attempts,
            lost,
            thread_position,
            cut_usage,
        } => {
            claimed::claimed(&mut draft, attempts, lost, thread_position, cut_usage);
        }
        Input::ModelFinished(answer) => model_finished::model_finished(&mut draft, answer),
        Input::ModelFailed(failed) => model_failed::model_failed(&mut draft, failed),
        Input::ToolFinished(outcome) => tool_finished::tool_finished(&mut draft, outcome),
        Input::WaitOver => go_on::wait_over(&mut draft),
        Input::Stopped { cause, cut } => stopped::stopped(&mut draft, cause, cut),
        Input::Answered { answers, user_id } => {
            answered::answered(&mut draft, answers, user_id);
        }
        Input::CancelRequested {
            user_id,
            unheld,
            reason,
        } => cancel::cancel_requested(&mut draft, user_id, unheld, reason),
    }
    draft.finish()
}
