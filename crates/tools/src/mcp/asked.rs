//! Questions that servers have for people.

use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use runloom_domain::InputAction;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

/// What a question may have of bytes, prompt and schema together; it ends up in the log of a
/// run.
const LARGEST: usize = 32 * 1024;

/// A question, as a person gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) prompt: String,
    pub(super) schema: Value,
}

impl Question {
    /// Reads what a server asks. `None` when nobody can be asked this: a person of whom only
    /// the answers pass through us can't be sent to a page by a server.
    pub(super) fn read(params: ElicitRequestParams) -> Option<Self> {
        let ElicitRequestParams::FormElicitationParams {
            message,
            requested_schema,
            ..
        } = params
        else {
            return None;
        };
        let schema = serde_json::to_value(requested_schema).ok()?;
        let size = message.len() + schema.to_string().len();
        (size <= LARGEST).then_some(Self {
            prompt: message,
            schema,
        })
    }
}

impl Question {
    /// What a person left out of an answer, as far as the server said what it is by default.
    fn complete(&self, action: InputAction) -> InputAction {
        let InputAction::Accept(Value::Object(mut content)) = action else {
            return action;
        };
        let properties = self.schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            if let Some(default) = property.get("default")
                && !content.contains_key(name)
            {
                content.insert(name.clone(), default.clone());
            }
        }
        InputAction::Accept(Value::Object(content))
    }

    /// An answer, as the server gets it.
    pub(super) fn result(&self, action: InputAction) -> ElicitResult {
        result(self.complete(action))
    }
}

/// A question, and what a person made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) question: Question,
    pub(super) action: InputAction,
}

/// What a person made of something, as the server gets it.
pub(super) fn result(action: InputAction) -> ElicitResult {
    match action {
        InputAction::Accept(content) => {
            ElicitResult::new(ElicitationAction::Accept).with_content(content)
        }
        InputAction::Decline => ElicitResult::new(ElicitationAction::Decline),
        InputAction::Cancel => ElicitResult::new(ElicitationAction::Cancel),
    }
}

/// A question of a server that waits for our answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) question: Question,
    /// Takes the answer. That nobody listens any more means that the server gave up.
    pub(super) answer: oneshot::Sender<InputAction>,
}
