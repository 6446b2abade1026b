use runloom_domain::event::InputReceived;
use runloom_domain::{
    Answer, Decision, EventBody, EventPrivate, RequestId, RunStatus, UserId, arguments_digest,
};
use runloom_store::Wake;

use super::draft::Draft;

/// A person has answered one request or several. What follows from it is decided by whoever
/// claims the run next.
pub(super) fn answered(draft: &mut Draft<'_>, answers: Vec<(RequestId, Answer)>, user_id: UserId) {
    for (request_id, answer) in answers {
        draft.push_with(
            EventBody::InputReceived(InputReceived {
                request_id,
                user_id,
                decision: answer.decision,
                reason: answer.reason.clone(),
                arguments_digest: decided_on(draft, request_id, &answer),
            }),
            Some(EventPrivate::Answer { answer }),
        );
    }
    // With other questions open the run waits on, for what is left of its time. That has to be
    // said, since otherwise an intent wakes a run at once.
    let left = draft.state.waits_until.map(|end| end.since(draft.cx.now));
    draft.release(match draft.state.status {
        RunStatus::WaitingForInput => left.map_or(Wake::Never, Wake::After),
        _ => Wake::Now,
    });
}

/// Digest of the arguments that an approval is about; of an edited call, of the new ones.
fn decided_on(draft: &Draft<'_>, id: RequestId, answer: &Answer) -> Option<String> {
    let request = draft.state.requests.iter().find(|r| r.request_id == id)?;
    match (answer.decision, &answer.arguments) {
        (Decision::Edit, Some(arguments)) => Some(arguments_digest(arguments)),
        _ => request.arguments_digest.clone(),
    }
}
