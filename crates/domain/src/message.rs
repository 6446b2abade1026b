use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{MessageId, OrgId, RunId, ThreadId, Timestamp, ToolCallId, UserId};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

impl Role {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A tool call as the model made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCallRequest {
    /// Minted by the engine.
    pub tool_call_id: ToolCallId,
    /// The tool.
    pub tool_name: String,
    /// The arguments, an object.
    pub arguments: Value,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum MessageBody {
    /// A person's words.
    User {
        /// The text.
        content: String,
    },
    /// The model's answer.
    Assistant {
        /// The text; may be empty beside tool calls.
        content: String,
        /// The tools it asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCallRequest>,
        /// What the provider wants back in a tool loop; never shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<Value>,
    },
    /// A tool's result.
    Tool {
        /// The call it answers.
        tool_call_id: ToolCallId,
        /// The tool.
        tool_name: String,
        /// The result, or the error in words for the model.
        content: String,
    },
}

impl MessageBody {
    /// Who speaks.
    pub const fn role(&self) -> Role {
        match self {
            Self::User { .. } => Role::User,
            Self::Assistant { .. } => Role::Assistant,
            Self::Tool { .. } => Role::Tool,
        }
    }

    /// The text.
    pub fn content(&self) -> &str {
        match self {
            Self::User { content }
            | Self::Assistant { content, .. }
            | Self::Tool { content, .. } => content,
        }
    }
}

/// A message of a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Where it stands.
    pub thread_id: ThreadId,
    /// The run that wrote it, or that it was sent with.
    pub run_id: Option<RunId>,
    /// Its place in the thread, dense from 1.
    pub position: u64,
    /// What it says.
    pub body: MessageBody,
    /// The person who wrote it.
    pub created_by_user_id: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
}

/// Orders a thread's messages as `run` shows them to a provider.
///
/// Positions tell when a message was written. A message that was sent with a run which had
/// to queue stands before the answers of the runs it queued behind, so it is moved to just
/// before its own run's first answer, or to the end when that is still to come. User
/// messages of runs that ended without an answer keep their place.
pub fn provider_history(messages: Vec<Message>, run: RunId) -> Vec<Message> {
    let mut first_answer = BTreeMap::new();
    for message in &messages {
        if let (Some(run_id), false) = (message.run_id, message.body.role() == Role::User) {
            first_answer.entry(run_id).or_insert(message.position);
        }
    }
    let place = |message: &Message| match message.run_id {
        Some(run_id) if message.body.role() == Role::User => {
            let answered = first_answer.get(&run_id).copied();
            let own_end = (run_id == run).then_some(u64::MAX);
            (
                answered.or(own_end).unwrap_or(message.position),
                0,
                message.position,
            )
        }
        _ => (message.position, 1, message.position),
    };
    let mut ordered = messages;
    ordered.sort_by_key(place);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(position: u64, run: Option<RunId>, user: bool) -> Message {
        let now = Timestamp::from_micros(1);
        let content = String::new();
        Message {
            id: MessageId::generate(now),
            org_id: OrgId::generate(now),
            thread_id: ThreadId::generate(now),
            run_id: run,
            position,
            body: if user {
                MessageBody::User { content }
            } else {
                MessageBody::Assistant {
                    content,
                    tool_calls: vec![],
                    provider: None,
                }
            },
            created_by_user_id: None,
            created_at: now,
        }
    }

    fn order(messages: Vec<Message>, run: RunId) -> Vec<u64> {
        provider_history(messages, run)
            .iter()
            .map(|m| m.position)
            .collect()
    }

    #[test]
    fn a_queued_question_follows_the_answer_it_waited_for() {
        let [a, b] = [1, 2].map(|n| RunId::generate(Timestamp::from_micros(n)));
        let sent = || {
            vec![
                message(1, Some(a), true),
                message(2, Some(b), true),
                message(3, Some(a), false),
            ]
        };
        assert_eq!(order(sent(), b), [1, 3, 2]);
        let mut answered = sent();
        answered.push(message(4, Some(b), false));
        assert_eq!(order(answered.clone(), b), [1, 3, 2, 4]);
        let later = RunId::generate(Timestamp::from_micros(3));
        assert_eq!(order(answered, later), [1, 3, 2, 4]);
    }

    #[test]
    fn an_unanswered_question_keeps_its_place() {
        let [a, b] = [1, 2].map(|n| RunId::generate(Timestamp::from_micros(n)));
        let messages = vec![message(1, Some(a), true), message(2, Some(b), true)];
        assert_eq!(order(messages, b), [1, 2]);
    }
}
