//! What becomes of a step's tool calls, seen from the state alone.

use std::time::Duration;

use runloom_domain::event::{ToolApproval, ToolStarted, WaitingForInput};
use runloom_domain::{
    EventBody, InputRequest, Timestamp, ToolClass, ToolOrigin, ToolPin, arguments_digest,
};
use runloom_store::Wake;

use super::call::{Call, CallState};
use super::draft::Draft;
use super::{Effect, SHORT_WAIT, children, go_on, settle};
use crate::fault::{self, Bug};

/// Settles, starts and asks for the step's tool calls.
pub(super) fn advance(draft: &mut Draft<'_>) {
    let calls = draft.state.calls.clone();
    let mut asks = Vec::new();
    for call in calls.iter().filter(|call| !call.is_done()) {
        if let Some(request) = advance_call(draft, call) {
            asks.push(request);
        }
    }
    if draft.state.calls.iter().all(Call::is_done) {
        return go_on::go_on(draft);
    }
    let is_quiet = draft.cx.running.is_empty() && !draft.starts_any();
    // People are asked once nothing runs any more, all at once: a waiting run holds no worker.
    // Calls that rest go on resting until they have answered.
    if !asks.is_empty() && is_quiet {
        ask(draft, asks);
    } else if let Some(until) = draft.state.calls.iter().filter_map(Call::rests_until).min() {
        rest(draft, until, is_quiet);
    }
}

/// Moves one call on; returns what has to be asked about it.
fn advance_call(draft: &mut Draft<'_>, call: &Call) -> Option<InputRequest> {
    let Some(pin) = draft.state.spec.tool(&call.name).cloned() else {
        let message = format!("there is no tool called {:?}", call.name);
        draft.tool_error(call, "tool.unknown", message);
        return None;
    };
    match &call.state {
        CallState::Settled(answer) => {
            settle::answered(draft, call, answer);
            return None;
        }
        CallState::Open => return open(draft, call, &pin),
        CallState::Asks(question) => return Some(settle::of_tool(draft, call, question)),
        CallState::Started if draft.cx.running.contains(&call.id) || draft.starts(call.id) => {
            return None;
        }
        // The intent is in the log and nothing runs: a crash has hidden the outcome.
        CallState::Started if pin.class == ToolClass::Once && !fault::planted(Bug::RepeatOnce) => {
            return Some(settle::outcome_unknown(draft, call));
        }
        CallState::Rests(until) if !draft.cx.due && *until > draft.cx.now => return None,
        CallState::Done => return None,
        CallState::Approved | CallState::Started | CallState::Rests(_) => {}
    }
    begin(draft, call, &pin)
}

/// A call that nobody has looked at yet.
fn open(draft: &mut Draft<'_>, call: &Call, pin: &ToolPin) -> Option<InputRequest> {
    if call.approval == ToolApproval::Denied {
        draft.tool_error(call, "tool.denied", "this tool is not allowed".to_owned());
        return None;
    }
    if !call.arguments.is_object() {
        let message = "the arguments are not a JSON object".to_owned();
        draft.tool_error(call, "tool.invalid_arguments", message);
        return None;
    }
    if let Err(misfit) = (draft.cx.check)(pin, &call.arguments) {
        let message = format!("the arguments do not fit the tool's schema: {misfit}");
        draft.tool_error(call, "tool.invalid_arguments", message);
        return None;
    }
    if pin.asks {
        return settle::question(draft, call);
    }
    if call.approval == ToolApproval::Ask {
        return Some(settle::approval(draft, call));
    }
    begin(draft, call, pin)
}

/// Lets a call begin that may, when its turn has come.
fn begin(draft: &mut Draft<'_>, call: &Call, pin: &ToolPin) -> Option<InputRequest> {
    if !is_turn(draft, call, pin) {
        return None;
    }
    if let Some(approved) = &call.approved
        && *approved != arguments_digest(&call.arguments)
    {
        let message = "the arguments are not those that were approved".to_owned();
        draft.tool_error(call, "tool.approval_mismatch", message);
        return None;
    }
    if pin.origin == ToolOrigin::Client {
        return Some(settle::client_tool(draft, call));
    }
    if !draft.has_room() {
        return None;
    }
    let private = match children::spawn(&draft.state, call, pin) {
        Ok(private) => private,
        Err((class, message)) => {
            draft.tool_error(call, class, message);
            return None;
        }
    };
    let started = EventBody::ToolStarted(ToolStarted {
        tool_call_id: call.id,
        attempt: call.starts + 1,
    });
    draft.push_with(started, private);
    draft.effect(Effect::RunTool {
        tool_call_id: call.id,
        tool_name: call.name.clone(),
        arguments: call.arguments.clone(),
    });
    None
}

/// Calls that must not happen twice go one after another in the model's order: a later one may
/// build on what an earlier one does. One that waits for child runs comes after those that spawn
/// them.
fn is_turn(draft: &Draft<'_>, call: &Call, pin: &ToolPin) -> bool {
    let spec = &draft.state.spec;
    let precedes = |other: &ToolPin| {
        let once = [pin, other].iter().all(|it| it.class == ToolClass::Once);
        once || children::is_wait(pin) && children::is_spawn(other)
    };
    let before = draft.state.calls.iter().take_while(|c| c.id != call.id);
    let mut open = before.filter(|before| !before.is_done());
    !open.any(|before| spec.tool(&before.name).is_some_and(precedes))
}

/// Waits for the first of the calls that rest, and lets go of the run if that takes long and
/// nothing else is under way.
fn rest(draft: &mut Draft<'_>, until: Timestamp, is_quiet: bool) {
    let left = until.since(draft.cx.now);
    if is_quiet && left >= SHORT_WAIT {
        draft.release(Wake::After(left));
    } else {
        draft.effect(Effect::Wait(left));
    }
}

fn ask(draft: &mut Draft<'_>, requests: Vec<InputRequest>) {
    let limits = draft.state.spec.limits;
    let now = draft.cx.now;
    let waiting =
        (limits.waiting_seconds != 0).then(|| Duration::from_secs(limits.waiting_seconds));
    let whole = (limits.timeout_seconds != 0)
        .then(|| (draft.state.started_at + Duration::from_secs(limits.timeout_seconds)).since(now));
    let patience = waiting.into_iter().chain(whole).min();
    draft.push(EventBody::WaitingForInput(WaitingForInput {
        requests,
        expires_at: patience.map(|patience| now + patience),
    }));
    draft.release(patience.map_or(Wake::Never, Wake::After));
}
