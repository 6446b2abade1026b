use runloom_domain::event::CancelRequested;
use runloom_domain::{EventBody, RunStatus, UserId};

use super::draft::Draft;

/// A person asks for the run's end. A run that may have a worker is only marked; nobody
/// holds a waiting or queued one, so it ends here and now.
pub(super) fn cancel_requested(draft: &mut Draft<'_>, user_id: UserId) {
    let unheld = matches!(
        draft.state.status,
        RunStatus::Queued | RunStatus::WaitingForInput
    );
    draft.push(EventBody::CancelRequested(CancelRequested {
        requested_by_user_id: user_id,
    }));
    if unheld {
        draft.cancelled("requested", None);
    }
}
