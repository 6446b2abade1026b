//! What a call remembers while a person is asked.

use std::collections::BTreeMap;

use rmcp::model::{
    ElicitRequestParams, ElicitResult, InputRequest, InputRequiredResult, InputResponses,
};
use runloom_domain::InputAction;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::asked::{Answered, Question, result};
use super::error::McpError;

/// How many bytes of its own a server may have us keep.
const LARGEST: usize = 64 * 1024;

/// Handed to the engine with a question, and back with its answer. It may come back in another
/// process.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum State {
    /// The server waits for the answer, in a call that is parked.
    Parked {
        question: Question,
        /// What the call has asked before, so that it can be made anew.
        answered: Vec<Answered>,
    },
    /// The server has forgotten the call, and gets it again with answers.
    Retry(Retry),
}

/// A call that is made again with answers (2026-07-28).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Retry {
    /// The server's own, which it gets back.
    pub(super) request_state: Option<String>,
    /// What a person has yet to be asked, by the server's names. The first is being asked.
    pub(super) questions: BTreeMap<String, Question>,
    pub(super) responses: InputResponses,
}

impl Retry {
    /// Reads what a server needs.
    pub(super) fn read(needs: InputRequiredResult) -> Result<Self, McpError> {
        if needs
            .request_state
            .as_ref()
            .is_some_and(|state| state.len() > LARGEST)
        {
            let why = format!("the server has a state of more than {LARGEST} bytes kept");
            return Err(McpError::Refused(why));
        }
        let mut retry = Self {
            request_state: needs.request_state,
            ..Self::default()
        };
        for (name, request) in needs.input_requests.unwrap_or_default() {
            let InputRequest::Elicitation(request) = request else {
                let why = "the server needs a model or folders of ours, which it can't have";
                return Err(McpError::Refused(why.into()));
            };
            retry.add(name, request.params)?;
        }
        Ok(retry)
    }

    fn add(&mut self, name: String, params: ElicitRequestParams) -> Result<(), McpError> {
        match Question::read(params) {
            Some(question) => {
                self.questions.insert(name, question);
                Ok(())
            }
            None => self.respond(name, result(InputAction::Decline)),
        }
    }

    /// The question to ask next.
    pub(super) fn question(&self) -> Option<&Question> {
        self.questions.values().next()
    }

    /// Takes the answer to it.
    pub(super) fn answer(&mut self, action: InputAction) -> Result<(), McpError> {
        match self.questions.pop_first() {
            Some((name, question)) => self.respond(name, question.result(action)),
            None => Ok(()),
        }
    }

    fn respond(&mut self, name: String, result: ElicitResult) -> Result<(), McpError> {
        let response: Value = serde_json::to_value(result)
            .map_err(|_| McpError::Refused("the answer can't be sent".into()))?;
        self.responses.insert(name, response);
        Ok(())
    }
}
