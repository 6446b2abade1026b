//! What a run does next, seen from its state alone.

use runloom_domain::event::{
    StepStarted, ToolApproval, ToolFailure, ToolResulted, ToolStarted, WaitingForInput,
};
use runloom_domain::{Answer, Decision, EventBody, ToolClass};
use runloom_store::Wake;

use super::call::{Call, CallState};
use super::draft::Draft;
use super::state::Phase;
use super::{Effect, SHORT_WAIT, settle};
use crate::fault::{self, Bug};

/// Adds what follows from the state until there is something to wait for.
pub(super) fn go_on(draft: &mut Draft<'_>) {
    if draft.state.cancel_requested && draft.state.phase != Phase::Ended {
        return draft.cancelled("requested", None);
    }
    match draft.state.phase.clone() {
        // At a step boundary of a node that is being stopped: another one goes on from here.
        Phase::Ready(_) | Phase::BackingOff(..) | Phase::Tools { .. } if draft.cx.draining => {}
        Phase::Ready(_) => begin_step(draft),
        Phase::BackingOff(_, until) => back_off(draft, until),
        Phase::Tools { .. } => advance_tools(draft),
        Phase::Answered => draft.complete(),
        // A call under way reports by itself; a queued run waits for its claim.
        Phase::Calling(..) | Phase::Queued | Phase::Ended => {}
    }
}

/// Begins the next try of a model call, if the limits allow it.
pub(super) fn begin_step(draft: &mut Draft<'_>) {
    let (Phase::Ready(next) | Phase::BackingOff(next, _)) = draft.state.phase else {
        return;
    };
    if draft.state.cancel_requested {
        return draft.cancelled("requested", None);
    }
    if draft.cx.draining {
        return;
    }
    if let Some((class, message)) = exhausted(draft, next.step) {
        return draft.fail(class, &message, None);
    }
    let route = draft.state.route().clone();
    draft.push(EventBody::StepStarted(StepStarted {
        step: next.step,
        attempt: next.attempt,
        route_id: route.route_id.clone(),
        model: route.model.clone(),
        purpose: draft.state.purpose(),
    }));
    draft.effect(Effect::CallModel {
        step: next.step,
        attempt: next.attempt,
        purpose: draft.state.purpose(),
        route: Box::new(route),
    });
}

/// The limit that forbids another model call.
fn exhausted(draft: &Draft<'_>, step: u32) -> Option<(&'static str, String)> {
    let (limits, totals) = (&draft.state.spec.limits, &draft.state.totals);
    if limits.max_steps != 0 && step > limits.max_steps {
        let message = format!("the run took {} steps without an answer", limits.max_steps);
        return Some(("limits.max_steps", message));
    }
    let output = totals.tokens.output_tokens;
    if limits.max_output_tokens != 0 && output >= limits.max_output_tokens {
        return Some((
            "budget.exhausted",
            format!("the run has used {output} output tokens"),
        ));
    }
    if limits.max_cost.as_nanos() != 0 && totals.cost >= limits.max_cost {
        let message = format!("the run has cost ${}", totals.cost.as_dollars());
        return Some(("budget.exhausted", message));
    }
    None
}

fn back_off(draft: &mut Draft<'_>, until: runloom_domain::Timestamp) {
    let left = until.since(draft.cx.now);
    if draft.cx.due || left.is_zero() {
        begin_step(draft);
    } else if left < SHORT_WAIT {
        draft.effect(Effect::Wait(left));
    } else {
        draft.release(Wake::After(left));
    }
}

/// Settles, starts and asks for the step's tool calls.
fn advance_tools(draft: &mut Draft<'_>) {
    let calls = draft.state.calls.clone();
    let mut asks = Vec::new();
    for call in calls.iter().filter(|call| !call.is_done()) {
        if let Some(request) = advance_call(draft, call) {
            asks.push(request);
        }
    }
    if draft.state.calls.iter().all(Call::is_done) {
        return go_on(draft);
    }
    // People are asked once nothing runs any more, all at once: a waiting run holds no worker.
    if !asks.is_empty() && draft.cx.running.is_empty() && !draft.starts_any() {
        ask(draft, asks);
    }
}

/// Moves one call on; returns what has to be asked about it.
fn advance_call(draft: &mut Draft<'_>, call: &Call) -> Option<runloom_domain::InputRequest> {
    let Some(pin) = draft.state.spec.tool(&call.name).cloned() else {
        let message = format!("there is no tool called {:?}", call.name);
        draft.tool_error(call, "tool.unknown", message);
        return None;
    };
    match &call.state {
        CallState::Settled(answer) => settle_call(draft, call, answer),
        CallState::Open if call.approval == ToolApproval::Denied => {
            draft.tool_error(call, "tool.denied", "this tool is not allowed".to_owned());
        }
        CallState::Open if !call.arguments.is_object() => {
            let message = "the arguments are not a JSON object".to_owned();
            draft.tool_error(call, "tool.invalid_arguments", message);
        }
        CallState::Open if pin.asks => return settle::question(draft, call),
        CallState::Open if call.approval == ToolApproval::Ask => {
            return Some(settle::approval(draft, call));
        }
        CallState::Started if draft.cx.running.contains(&call.id) || draft.starts(call.id) => {}
        // The intent is in the log and nothing runs: a crash has hidden the outcome.
        CallState::Started if pin.class == ToolClass::Once && !fault::planted(Bug::RepeatOnce) => {
            return Some(settle::outcome_unknown(draft, call));
        }
        CallState::Open | CallState::Approved | CallState::Started => start_call(draft, call),
        CallState::Done => {}
    }
    None
}

fn start_call(draft: &mut Draft<'_>, call: &Call) {
    draft.push(EventBody::ToolStarted(ToolStarted {
        tool_call_id: call.id,
        attempt: call.starts + 1,
    }));
    draft.effect(Effect::RunTool {
        tool_call_id: call.id,
        tool_name: call.name.clone(),
        arguments: call.arguments.clone(),
    });
}

/// The result that a person has decided.
pub(super) fn settle_call(draft: &mut Draft<'_>, call: &Call, answer: &Answer) {
    let because = |what: &str| match &answer.reason {
        Some(reason) => format!("{what}: {reason}"),
        None => what.to_owned(),
    };
    let (content, error) = match answer.decision {
        Decision::Reject => (
            None,
            Some(("tool.rejected", because("a person rejected this call"))),
        ),
        Decision::Failed => (
            None,
            Some(("tool.failed", because("a person says that it failed"))),
        ),
        _ => {
            let done = "done; a person says that it took effect".to_owned();
            (Some(answer.content.clone().unwrap_or(done)), None)
        }
    };
    draft.tool_result(ToolResulted {
        tool_call_id: call.id,
        tool_name: call.name.clone(),
        content,
        error: error.map(|(class, message)| ToolFailure {
            error_class: class.to_owned(),
            message,
        }),
        duration_ms: 0,
        truncated: false,
    });
}

fn ask(draft: &mut Draft<'_>, requests: Vec<runloom_domain::InputRequest>) {
    let limits = draft.state.spec.limits;
    let now = draft.cx.now;
    let seconds = |n: u64| std::time::Duration::from_secs(n);
    let waiting = (limits.waiting_seconds != 0).then(|| seconds(limits.waiting_seconds));
    let whole = (limits.timeout_seconds != 0)
        .then(|| (draft.state.started_at + seconds(limits.timeout_seconds)).since(now));
    let patience = waiting.into_iter().chain(whole).min();
    draft.push(EventBody::WaitingForInput(WaitingForInput {
        requests,
        expires_at: patience.map(|patience| now + patience),
    }));
    draft.release(patience.map_or(Wake::Never, Wake::After));
}
