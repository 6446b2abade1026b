use runloom_domain::event::CancelRequested;
use runloom_domain::{EventBody, RunStatus, UserId};

use super::draft::Draft;
use super::state::Phase;

/// A person asks for the run's end. A run that may have a worker is only marked; one that
/// nobody holds ends here and now. A model call that a crash has cut is left to whoever claims
/// the run, since only reading its deltas tells what it has used.
pub(super) fn cancel_requested(
    draft: &mut Draft<'_>,
    user_id: UserId,
    unheld: bool,
    reason: Option<&'static str>,
) {
    if draft.state.cancel_requested || draft.state.status.is_terminal() {
        return;
    }
    let stands = match draft.state.status {
        RunStatus::Queued | RunStatus::WaitingForInput => true,
        _ => unheld && !matches!(draft.state.phase, Phase::Calling(..)),
    };
    draft.push(EventBody::CancelRequested(CancelRequested {
        requested_by_user_id: user_id,
        reason: reason.map(str::to_owned),
    }));
    if stands {
        draft.cancelled(None);
    }
}
