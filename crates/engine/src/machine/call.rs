use runloom_domain::event::{ToolApproval, ToolCalled, ToolPaused};
use runloom_domain::{
    Answer, Decision, EventPrivate, InputAction, RunId, Timestamp, ToolCallId, ToolInput,
};
use serde_json::Value;

use crate::port::tool::Question;

/// A tool call of the current step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// Its id.
    pub(crate) id: ToolCallId,
    /// The tool.
    pub(crate) name: String,
    /// The arguments, as a person may have edited them.
    pub(crate) arguments: Value,
    /// Whether it runs by itself.
    pub(crate) approval: ToolApproval,
    /// Digest of the arguments that a person has approved.
    pub(crate) approved: Option<String>,
    /// What a person said to the call's own question.
    pub(crate) input: Option<ToolInput>,
    /// Where it stands.
    pub(crate) state: CallState,
    /// How often it was started.
    pub(crate) starts: u32,
    /// When it was started first.
    pub(crate) begun_at: Option<Timestamp>,
}

/// Where a tool call stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CallState {
    /// Nobody has started it or been asked.
    Open,
    /// A person has said that it may run (again).
    Approved,
    /// The intent is in the log, a result isn't.
    Started,
    /// It has asked something, and is made again with the answer.
    Asks(Question),
    /// It has had nothing to say, and is made again at this moment.
    Rests(Timestamp),
    /// A person has decided its result.
    Settled(Answer),
    /// The result is in the log.
    Done,
}

impl Call {
    pub(super) fn new(called: &ToolCalled) -> Self {
        Self {
            id: called.tool_call_id,
            name: called.tool_name.clone(),
            arguments: called.arguments.clone(),
            approval: called.approval,
            approved: None,
            input: None,
            state: CallState::Open,
            starts: 0,
            begun_at: None,
        }
    }

    /// The run that the call spawns, if that is what it does: it has the call's own id, so that
    /// however often the call is made there is one run of it.
    pub(crate) fn child(&self) -> RunId {
        RunId::from_uuid(self.id.as_uuid())
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == CallState::Done
    }

    pub(super) fn rests_until(&self) -> Option<Timestamp> {
        match self.state {
            CallState::Rests(until) => Some(until),
            _ => None,
        }
    }

    /// It has stopped half-way.
    pub(super) fn pause(&mut self, paused: &ToolPaused, private: Option<&EventPrivate>) {
        if let Some(until) = paused.until {
            self.state = CallState::Rests(until);
        } else if let Some(EventPrivate::Question {
            prompt,
            schema,
            state,
        }) = private
        {
            self.state = CallState::Asks(Question {
                prompt: prompt.clone(),
                schema: schema.clone(),
                state: state.clone(),
            });
        }
    }

    /// Takes a person's answer to a request about this call, and the digest of the arguments
    /// that it was given for.
    pub(super) fn answer(&mut self, answer: &Answer, digest: Option<&String>) {
        if let CallState::Asks(question) = &self.state {
            let text = || Value::String(answer.content.clone().unwrap_or_default());
            let action = answer.action.clone();
            self.input = Some(ToolInput {
                action: action.unwrap_or_else(|| InputAction::Accept(text())),
                state: question.state.clone(),
            });
            self.state = CallState::Approved;
            return;
        }
        self.state = match answer.decision {
            Decision::Retry => CallState::Approved,
            Decision::Approve => {
                self.approved = digest.cloned();
                CallState::Approved
            }
            Decision::Edit => {
                if let Some(arguments) = &answer.arguments {
                    self.arguments = arguments.clone();
                }
                self.approved = digest.cloned();
                CallState::Approved
            }
            Decision::Reject | Decision::Done | Decision::Failed | Decision::Answer => {
                CallState::Settled(answer.clone())
            }
        };
    }
}
