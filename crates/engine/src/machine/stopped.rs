use runloom_domain::{MessageBody, ModelCall};

use super::draft::Draft;
use super::model_failed::{FailedCall, ledger_row};
use super::state::Phase;

/// Why a run's work was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopCause {
    /// Someone asked for its end.
    Cancel,
    /// Its whole time is over.
    TimedOut,
}

/// The run's work has been stopped: settle what was cut, then end.
pub(super) fn stopped(draft: &mut Draft<'_>, cause: StopCause, cut: Option<FailedCall>) {
    let cut = cut.and_then(|cut| cut_call(draft, cut));
    match cause {
        StopCause::Cancel => draft.cancelled(cut),
        StopCause::TimedOut => timed_out(draft, cut),
    }
}

/// The run's whole time is over.
pub(super) fn timed_out(draft: &mut Draft<'_>, cut: Option<ModelCall>) {
    let limit = draft.state.spec.limits.timeout_seconds;
    draft.fail(
        "limits.timeout",
        &format!("the run took longer than {limit} s"),
        cut,
    );
}

/// The ledger row of the call that was cut. What its text had told people stays in the
/// thread, so that a later run knows what they have read.
pub(super) fn cut_call(draft: &mut Draft<'_>, cut: FailedCall) -> Option<ModelCall> {
    let Phase::Calling(tried, _) = draft.state.phase else {
        return None;
    };
    if let Some(content) = cut.text.filter(|text| !text.is_empty()) {
        draft.message(MessageBody::Assistant {
            content,
            tool_calls: vec![],
            provider: None,
        });
    }
    Some(ledger_row(draft, tried, cut.usage, cut.reported_cost))
}
