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
    // With other questions open the run waits on, for what is left of its time. That has to be
    // said, since otherwise an intent wakes a run at once.
    let left = draft.state.waits_until.map(|end| end.since(draft.cx.now));
    draft.release(match draft.state.status {
        RunStatus::WaitingForInput => left.map_or(Wake::Never, Wake::After),
        _ => Wake::Now,
    });
}
