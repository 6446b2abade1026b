//! The conversation as a provider is shown it.

use std::collections::BTreeMap;

use runloom_domain::{Message, MessageBody, ToolCallId, provider_history};
use runloom_store::StoreError;

use super::Owned;
use crate::shared::Shared;

/// What the run sees of its thread, in an order and shape that providers accept.
pub(super) async fn load(shared: &Shared, run: &Owned) -> Result<Vec<Message>, StoreError> {
    let until = run.state.spec.history_until;
    let limit = shared.config.max_history;
    let messages = shared
        .parts
        .store
        .history(run.org_id, run.thread_id, run.run_id, until, limit)
        .await?;
    Ok(well_formed(provider_history(messages, run.run_id)))
}

/// A message's size in bytes, for estimates.
pub(super) fn size(message: &Message) -> usize {
    let calls = match &message.body {
        MessageBody::Assistant { tool_calls, .. } => tool_calls
            .iter()
            .map(|c| c.tool_name.len() + c.arguments.to_string().len())
            .sum(),
        _ => 0,
    };
    message.body.content().len() + calls
}

/// Puts each tool call's results right behind it, and keeps no call without its result and no
/// result without its call. The log pairs them always, but a person may have posted a message
/// while a tool ran or a question was open, and a history that was cut to the newest messages
/// may begin in the middle of a step.
fn well_formed(messages: Vec<Message>) -> Vec<Message> {
    let mut results: BTreeMap<ToolCallId, Message> = BTreeMap::new();
    let mut others = Vec::with_capacity(messages.len());
    for message in messages {
        match message.body {
            MessageBody::Tool { tool_call_id, .. } => {
                results.insert(tool_call_id, message);
            }
            _ => others.push(message),
        }
    }
    let mut kept = Vec::with_capacity(others.len() + results.len());
    for mut message in others {
        let mut answers = Vec::new();
        if let MessageBody::Assistant {
            content,
            tool_calls,
            ..
        } = &mut message.body
        {
            tool_calls.retain(|call| {
                let answer = results.remove(&call.tool_call_id);
                answer.is_some_and(|answer| {
                    answers.push(answer);
                    true
                })
            });
            if tool_calls.is_empty() && content.is_empty() {
                continue;
            }
        }
        kept.push(message);
        kept.append(&mut answers);
    }
    kept
}

#[cfg(test)]
mod tests {
    use runloom_domain::{MessageId, OrgId, ThreadId, Timestamp, ToolCallRequest};

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1);

    fn message(body: MessageBody) -> Message {
        Message {
            id: MessageId::generate(NOW),
            org_id: OrgId::generate(NOW),
            thread_id: ThreadId::generate(NOW),
            run_id: None,
            position: 1,
            body,
            created_by_user_id: None,
            created_at: NOW,
        }
    }

    fn call(id: ToolCallId) -> Message {
        let arguments = serde_json::json!({});
        message(MessageBody::Assistant {
            content: String::new(),
            tool_calls: vec![ToolCallRequest {
                tool_call_id: id,
                tool_name: "t".into(),
                arguments,
            }],
            provider: None,
        })
    }

    fn result(id: ToolCallId) -> Message {
        message(MessageBody::Tool {
            tool_call_id: id,
            tool_name: "t".into(),
            content: "r".into(),
        })
    }

    #[test]
    fn pairs_stay_and_halves_go() {
        let [a, b] = [1, 2].map(|n| ToolCallId::generate(Timestamp::from_micros(n)));
        assert_eq!(well_formed(vec![call(a), result(a)]).len(), 2);
        assert_eq!(well_formed(vec![call(a)]).len(), 0);
        assert_eq!(well_formed(vec![result(b), call(a), result(a)]).len(), 2);
    }

    #[test]
    fn what_a_person_said_meanwhile_comes_after_the_result() {
        let a = ToolCallId::generate(NOW);
        let said = message(MessageBody::User {
            content: "wait".into(),
        });
        let ordered = well_formed(vec![call(a), said.clone(), result(a)]);
        let roles: Vec<_> = ordered
            .iter()
            .map(|message| message.body.role().as_str())
            .collect();
        assert_eq!(roles, ["assistant", "tool", "user"]);
    }
}
