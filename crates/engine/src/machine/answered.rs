use runloom_domain::event::InputReceived;
use runloom_domain::{Answer, EventBody, EventPrivate, RequestId, RunStatus, UserId};
use runloom_store::Wake;

use super::draft::Draft;

/// A person has answered. What follows from it is decided by whoever claims the run next.
pub(super) fn answered(
    draft: &mut Draft<'_>,
    request_id: RequestId,
    answer: Answer,
    user_id: UserId,
) {
    draft.push_with(
        EventBody::InputReceived(InputReceived {
            request_id,
            user_id,
            decision: answer.decision,
            reason: answer.reason.clone(),
        }),
        Some(EventPrivate::Answer { answer }),
    );
    // With other questions open the run waits on, and its timer stays.
    if draft.state.status == RunStatus::Running {
        draft.release(Wake::Now);
    }
}
