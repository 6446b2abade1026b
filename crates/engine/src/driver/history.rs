//! The conversation as a provider is shown it.

use std::collections::BTreeMap;

use runloom_domain::{
    Message, MessageBody, OrgId, RunId, ThreadId, ToolCallId, ToolCallRequest, provider_history,
};
use runloom_store::{HistoryPart, StoreError};
use serde_json::Value;

use super::Owned;
use super::window::Window;
use crate::shared::Shared;

/// How many messages are read at once; each may be of 256 KiB and more.
const PAGE: u32 = 64;

/// Whose history is read, and how far back from where.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    org_id: OrgId,
    thread_id: ThreadId,
    run_id: RunId,
    until: u64,
    /// Only what lies before this position.
    before: Option<u64>,
    /// The most bytes that are shown, when the history had to be shortened.
    max_bytes: Option<u64>,
}

impl Reader {
    /// The same for what lies before `position`, in at most so many bytes.
    pub(super) fn before(self, position: u64, max_bytes: u64) -> Self {
        Self {
            before: Some(position),
            max_bytes: Some(max_bytes),
            ..self
        }
    }
}

impl From<&Owned> for Reader {
    fn from(run: &Owned) -> Self {
        Self {
            org_id: run.org_id,
            thread_id: run.thread_id,
            run_id: run.run_id,
            until: run.state.spec.history_until,
            before: None,
            max_bytes: run.state.compacted.map(|compacted| compacted.max_bytes),
        }
    }
}

/// What the run sees of its thread, in an order and shape that providers accept: the newest
/// messages, at most so many and of so many bytes as the engine is configured for.
pub(super) async fn load(shared: &Shared, run: Reader) -> Result<Vec<Message>, StoreError> {
    let config = &shared.config;
    let max_bytes = run.max_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let max_bytes = max_bytes.map_or(config.max_history_bytes, |bytes| {
        bytes.min(config.max_history_bytes)
    });
    let mut window = Window::new(run.run_id, max_bytes);
    let mut left = config.max_history;
    let mut part = HistoryPart::newest(run.until, PAGE);
    part.before = run.before.unwrap_or(part.before);
    while left > 0 && window.wants_more() {
        part.limit = PAGE.min(left);
        let store = &shared.parts.store;
        let page = store
            .history(run.org_id, run.thread_id, run.run_id, part)
            .await?;
        let Some(oldest) = page.first() else { break };
        part.before = oldest.position;
        let is_last = page.len() < part.limit as usize;
        page.into_iter()
            .rev()
            .for_each(|message| window.take(message));
        if is_last {
            break;
        }
        left -= part.limit;
    }
    Ok(well_formed(provider_history(
        window.into_messages(),
        run.run_id,
    )))
}

/// A message's size in bytes, for limits and estimates.
pub(super) fn size(message: &Message) -> usize {
    let beside = match &message.body {
        MessageBody::Assistant {
            tool_calls,
            provider,
            ..
        } => {
            let call = |c: &ToolCallRequest| c.tool_name.len() + json_size(&c.arguments);
            let calls: usize = tool_calls.iter().map(call).sum();
            calls + provider.as_ref().map_or(0, json_size)
        }
        _ => 0,
    };
    message.body.content().len() + beside
}

fn json_size(value: &Value) -> usize {
    value.to_string().len()
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
pub(super) mod samples {
    use runloom_domain::{MessageId, OrgId, ThreadId, Timestamp};

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

    /// A person's message of so many bytes.
    pub(in crate::driver) fn said(bytes: usize) -> Message {
        let content = "u".repeat(bytes);
        message(MessageBody::User { content })
    }

    /// A call, three bytes long.
    pub(in crate::driver) fn call(id: ToolCallId) -> Message {
        message(MessageBody::Assistant {
            content: String::new(),
            tool_calls: vec![ToolCallRequest {
                tool_call_id: id,
                tool_name: "t".into(),
                arguments: serde_json::json!({}),
            }],
            provider: None,
        })
    }

    /// Its result of so many bytes.
    pub(in crate::driver) fn result(id: ToolCallId, bytes: usize) -> Message {
        message(MessageBody::Tool {
            tool_call_id: id,
            tool_name: "t".into(),
            content: "r".repeat(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use runloom_domain::Timestamp;

    use super::samples::{call, result, said};
    use super::*;

    #[test]
    fn pairs_stay_and_halves_go() {
        let [a, b] = [1, 2].map(|n| ToolCallId::generate(Timestamp::from_micros(n)));
        assert_eq!(well_formed(vec![call(a), result(a, 1)]).len(), 2);
        assert_eq!(well_formed(vec![call(a)]).len(), 0);
        let with_a_half = vec![result(b, 1), call(a), result(a, 1)];
        assert_eq!(well_formed(with_a_half).len(), 2);
    }

    #[test]
    fn what_a_person_said_meanwhile_comes_after_the_result() {
        let a = ToolCallId::generate(Timestamp::from_micros(1));
        let ordered = well_formed(vec![call(a), said(4), result(a, 1)]);
        let roles: Vec<_> = ordered
            .iter()
            .map(|message| message.body.role().as_str())
            .collect();
        assert_eq!(roles, ["assistant", "tool", "user"]);
    }
}
