//! The conversation as a provider is shown it.

use std::collections::BTreeSet;

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

/// Keeps only tool calls that have their results right behind them, and results whose call
/// stands before them. The log pairs them always; a history that begins in the middle of a
/// step, because it was cut to the newest messages, doesn't.
fn well_formed(messages: Vec<Message>) -> Vec<Message> {
    let answered: BTreeSet<ToolCallId> = messages
        .iter()
        .filter_map(|message| match &message.body {
            MessageBody::Tool { tool_call_id, .. } => Some(*tool_call_id),
            _ => None,
        })
        .collect();
    let mut asked = BTreeSet::new();
    let mut kept = Vec::with_capacity(messages.len());
    for mut message in messages {
        match &mut message.body {
            MessageBody::Assistant {
                content,
                tool_calls,
                ..
            } => {
                tool_calls.retain(|call| answered.contains(&call.tool_call_id));
                if tool_calls.is_empty() && content.is_empty() {
                    continue;
                }
                asked.extend(tool_calls.iter().map(|call| call.tool_call_id));
            }
            MessageBody::Tool { tool_call_id, .. } if !asked.contains(tool_call_id) => continue,
            MessageBody::Tool { .. } | MessageBody::User { .. } => {}
        }
        kept.push(message);
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
}
