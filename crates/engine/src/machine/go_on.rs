//! What a run does next, seen from its state alone.

use runloom_domain::EventBody;
use runloom_domain::event::StepStarted;
use runloom_store::Wake;

use super::draft::Draft;
use super::state::Phase;
use super::{Effect, SHORT_WAIT, tools};

/// Adds what follows from the state until there is something to wait for.
pub(super) fn go_on(draft: &mut Draft<'_>) {
    if draft.state.cancel_requested && draft.state.phase != Phase::Ended {
        return draft.cancelled(None);
    }
    match draft.state.phase.clone() {
        // At a step boundary of a node that is being stopped: another one goes on from here.
        Phase::Ready(_) | Phase::BackingOff(..) | Phase::Tools { .. } if draft.cx.draining => {}
        Phase::Ready(_) => begin_step(draft),
        Phase::BackingOff(_, until) => back_off(draft, until),
        Phase::Tools { .. } => tools::advance(draft),
        Phase::Answered => draft.complete(),
        // A call under way reports by itself; a queued run waits for its claim.
        Phase::Calling(..) | Phase::Queued | Phase::Ended => {}
    }
}

/// A short wait is over: a back-off, or that of a call that rests.
pub(super) fn wait_over(draft: &mut Draft<'_>) {
    match draft.state.phase {
        Phase::Tools { .. } => go_on(draft),
        _ => begin_step(draft),
    }
}

/// Begins the next try of a model call, if the limits allow it.
pub(super) fn begin_step(draft: &mut Draft<'_>) {
    let (Phase::Ready(next) | Phase::BackingOff(next, _)) = draft.state.phase else {
        return;
    };
    if draft.state.cancel_requested {
        return draft.cancelled(None);
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
    let (limits, totals) = (&draft.state.spec.limits, draft.state.spent());
    let with = if draft.state.children.are_there() {
        ", with what it has given to the runs that it spawned"
    } else {
        ""
    };
    if limits.max_steps != 0 && step > limits.max_steps {
        let message = format!("the run took {} steps without an answer", limits.max_steps);
        return Some(("limits.max_steps", message));
    }
    let output = totals.tokens.output_tokens;
    if limits.max_output_tokens != 0 && output >= limits.max_output_tokens {
        return Some((
            "budget.exhausted",
            format!("the run has used {output} output tokens{with}"),
        ));
    }
    if limits.max_cost.as_nanos() != 0 && totals.cost >= limits.max_cost {
        let message = format!("the run has cost ${}{with}", totals.cost.as_dollars());
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
