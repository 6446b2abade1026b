use runloom_domain::event::{ToolApproval, ToolCalled};
use runloom_domain::{Answer, Decision, ToolCallId};
use serde_json::Value;

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
    /// Where it stands.
    pub(crate) state: CallState,
    /// How often it was started.
    pub(crate) starts: u32,
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
            state: CallState::Open,
            starts: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == CallState::Done
    }

    /// Takes a person's answer to a request about this call.
    pub(super) fn answer(&mut self, answer: &Answer) {
        self.state = match answer.decision {
            Decision::Approve | Decision::Retry => CallState::Approved,
            Decision::Edit => {
                if let Some(arguments) = &answer.arguments {
                    self.arguments = arguments.clone();
                }
                CallState::Approved
            }
            Decision::Reject | Decision::Done | Decision::Failed | Decision::Answer => {
                CallState::Settled(answer.clone())
            }
        };
    }
}
