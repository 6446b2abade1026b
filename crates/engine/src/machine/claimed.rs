use runloom_domain::event::{ResumeReason, RunResumed, RunStarted};
use runloom_domain::{EventBody, EventPrivate, RunStatus, Usage};

use super::draft::Draft;
use super::model_failed::{self, FailedCall};
use super::state::Phase;
use super::{MAX_ATTEMPTS, go_on};
use crate::port::model::{ModelError, ModelErrorKind};

/// This node has taken the run.
pub(super) fn claimed(
    draft: &mut Draft<'_>,
    attempts: u32,
    lost: Option<ResumeReason>,
    thread_position: u64,
    cut_usage: Usage,
) {
    if let Some(reason) = lost {
        let from_seq = draft.state.last_seq;
        draft.push(EventBody::RunResumed(RunResumed { from_seq, reason }));
    }
    if attempts >= MAX_ATTEMPTS && !draft.state.cancel_requested {
        let message = format!("the run was lost {} times without progress", attempts - 1);
        let cut = match draft.state.phase {
            Phase::Calling(tried, _) => {
                Some(model_failed::ledger_row(draft, tried, cut_usage, None))
            }
            _ => None,
        };
        return draft.fail("internal.error", &message, cut);
    }
    match (draft.state.status, &draft.state.phase) {
        (RunStatus::Queued, _) => start(draft, thread_position),
        (RunStatus::WaitingForInput, _) => give_up_waiting(draft),
        (RunStatus::Running, Phase::Calling(..)) => {
            let error = ModelError::new(ModelErrorKind::Cut, "the node stopped during the call");
            let cut = FailedCall {
                error,
                usage: cut_usage,
                reported_cost: None,
                shorter: None,
                text: None,
            };
            model_failed::interrupted(draft, &cut);
        }
        (RunStatus::Cancelling, Phase::Calling(..)) => {
            let error = ModelError::new(ModelErrorKind::Cut, "the node stopped during the call");
            let call = FailedCall {
                error,
                usage: cut_usage,
                reported_cost: None,
                shorter: None,
                text: None,
            };
            super::stopped::stopped(draft, super::StopCause::Cancel, Some(call));
        }
        _ => go_on::go_on(draft),
    }
}

/// A queued run's thread has become free.
fn start(draft: &mut Draft<'_>, thread_position: u64) {
    let mut spec = (*draft.state.spec).clone();
    spec.history_until = thread_position;
    let begun = draft.state.begun;
    draft.push_with(
        EventBody::RunStarted(RunStarted {
            run_id: begun.run,
            thread_id: begun.thread,
            route_id: spec.route.route_id.clone(),
            persona_id: spec.persona.to_string(),
            model: spec.route.model.clone(),
            trace_id: begun.trace,
            parent_run_id: spec.parent_run_id(),
        }),
        Some(EventPrivate::Spec {
            spec: Box::new(spec),
        }),
    );
    go_on::go_on(draft);
}

/// Nobody answered in time: of the question, or of the whole run.
fn give_up_waiting(draft: &mut Draft<'_>) {
    let limit = draft.state.spec.limits.timeout_seconds;
    let age = draft.cx.now.since(draft.state.started_at).as_secs();
    if limit != 0 && age >= limit {
        return super::stopped::timed_out(draft, None);
    }
    draft.fail("input.timed_out", "nobody answered in time", None);
}
