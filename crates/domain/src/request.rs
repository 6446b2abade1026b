use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{RequestId, ToolCallId};

/// What kind of answer a waiting run wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// May this tool call run?
    ToolApproval,
    /// A question of the agent to a person.
    Question,
    /// A crash hid whether this tool call took effect; what now?
    ToolOutcomeUnknown,
    /// The client runs this tool and brings the result.
    ClientTool,
}

/// One thing that a waiting run asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRequest {
    /// Names it in the answer.
    pub request_id: RequestId,
    /// What kind of answer it wants.
    pub kind: RequestKind,
    /// The tool call it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<ToolCallId>,
    /// That call's tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// That call's exact arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Their digest, to which an approval is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
    /// What to show a person.
    pub prompt: String,
    /// Answers to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
    /// JSON schema of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Whether a tool asks in the middle of its call: then the answer may also be JSON
    /// `{"action": "accept" | "decline" | "cancel", "content": …}`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asked_by_tool: bool,
}

/// What a person decided about a tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Run it.
    Approve,
    /// Don't.
    Reject,
    /// Run it with other arguments.
    Edit,
    /// (Unknown outcome) run it again.
    Retry,
    /// (Unknown outcome) it took effect; the answer may bring its result.
    Done,
    /// (Unknown outcome) it failed.
    Failed,
    /// The question is answered.
    Answer,
}

/// What a person makes of a question that a tool asks in the middle of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", content = "content", rename_all = "snake_case")]
pub enum InputAction {
    /// They have answered: with what fits the question's schema, or else with text.
    Accept(Value),
    /// They don't want to answer.
    Decline,
    /// They want the call to end.
    Cancel,
}

/// What a tool that has asked is called again with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolInput {
    /// What the person made of the question.
    pub action: InputAction,
    /// What the tool handed over with its question.
    pub state: Value,
}

/// An answer, parsed by the kind of its request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The decision.
    pub decision: Decision,
    /// New arguments, with [`Decision::Edit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Why, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The answer's text, or the result of a call that is marked as done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What became of a tool's own question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<InputAction>,
    /// Digest of the arguments that were shown to whoever answers, if they say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
}

/// The content does not answer the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer to this request must be {accepted}")]
pub struct AnswerError {
    /// What is accepted, for a person to read.
    pub accepted: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    decision: Decision,
    arguments: Option<Value>,
    reason: Option<String>,
    result: Option<String>,
    arguments_digest: Option<String>,
}

const APPROVAL: &str = "\"approve\", \"reject\", or JSON {\"decision\":\"approve\"|\"reject\"|\"edit\",\"arguments\":{…}?,\"reason\":\"…\"?,\"arguments_digest\":\"…\"?}, where \"edit\" needs arguments";
const OUTCOME: &str = "\"retry\", \"done\", \"failed\", or JSON {\"decision\":\"retry\"|\"done\"|\"failed\",\"result\":\"…\"?,\"reason\":\"…\"?}, where \"done\" may bring the result";

/// Reads `content` as an answer to `request`.
pub fn parse_answer(request: &InputRequest, content: &str) -> Result<Answer, AnswerError> {
    match request.kind {
        RequestKind::ToolApproval => decided(content, APPROVAL, |d| match d.decision {
            Decision::Approve | Decision::Reject => d.arguments.is_none() && d.result.is_none(),
            Decision::Edit => d.arguments.as_ref().is_some_and(Value::is_object),
            _ => false,
        }),
        RequestKind::ToolOutcomeUnknown => decided(content, OUTCOME, |d| match d.decision {
            _ if d.arguments_digest.is_some() || d.arguments.is_some() => false,
            Decision::Retry | Decision::Failed => d.result.is_none(),
            Decision::Done => true,
            _ => false,
        }),
        RequestKind::Question if request.asked_by_tool => Ok(to_tool(content)),
        RequestKind::Question => Ok(Answer::text(content)),
        RequestKind::ClientTool => Ok(of_client(content)),
    }
}

impl Answer {
    fn text(content: &str) -> Self {
        Self {
            decision: Decision::Answer,
            arguments: None,
            reason: None,
            content: Some(content.to_owned()),
            action: None,
            arguments_digest: None,
        }
    }
}

/// An answer to a tool's own question: with the word for it, or itself.
fn to_tool(content: &str) -> Answer {
    let value: Value =
        serde_json::from_str(content).unwrap_or_else(|_| Value::String(content.to_owned()));
    let action = serde_json::from_value(value.clone()).unwrap_or(InputAction::Accept(value));
    let decision = match action {
        InputAction::Accept(_) => Decision::Answer,
        InputAction::Decline | InputAction::Cancel => Decision::Reject,
    };
    Answer {
        decision,
        content: None,
        action: Some(action),
        ..Answer::text("")
    }
}

/// What a client says of a tool that it has run: the result itself, or an object with nothing but
/// `content` or `error`, a text each.
fn of_client(content: &str) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Said {
        Content(String),
        Error(String),
    }
    match serde_json::from_str(content) {
        Ok(Said::Content(result)) => Answer::text(&result),
        Ok(Said::Error(reason)) => Answer {
            decision: Decision::Failed,
            reason: Some(reason),
            content: None,
            ..Answer::text("")
        },
        Err(_) => Answer::text(content),
    }
}

/// A decision as a bare word or as JSON, if `fits` agrees.
fn decided(
    content: &str,
    accepted: &'static str,
    fits: impl Fn(&Written) -> bool,
) -> Result<Answer, AnswerError> {
    let text = content.trim();
    let json = if text.starts_with('{') {
        text.to_owned()
    } else {
        serde_json::json!({ "decision": text }).to_string()
    };
    serde_json::from_str::<Written>(&json)
        .ok()
        .filter(fits)
        .map(|written| Answer {
            decision: written.decision,
            arguments: written.arguments,
            reason: written.reason,
            content: written.result,
            action: None,
            arguments_digest: written.arguments_digest,
        })
        .ok_or(AnswerError { accepted })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn request(kind: RequestKind) -> InputRequest {
        InputRequest {
            request_id: RequestId::generate(Timestamp::from_micros(1)),
            kind,
            tool_call_id: None,
            tool_name: None,
            arguments: None,
            arguments_digest: None,
            prompt: String::new(),
            options: None,
            schema: None,
            asked_by_tool: false,
        }
    }

    #[test]
    fn approvals_take_words_or_json() {
        let decision = |content| {
            parse_answer(&request(RequestKind::ToolApproval), content)
                .map(|a| a.decision)
                .ok()
        };
        assert_eq!(decision("approve"), Some(Decision::Approve));
        assert_eq!(decision(" reject\n"), Some(Decision::Reject));
        assert_eq!(
            decision(r#"{"decision":"reject","reason":"no"}"#),
            Some(Decision::Reject)
        );
        assert_eq!(
            decision(r#"{"decision":"edit","arguments":{}}"#),
            Some(Decision::Edit)
        );
        for bad in [
            "",
            "yes",
            "edit",
            "retry",
            r#"{"decision":"edit"}"#,
            "{",
            "\"approve\"",
        ] {
            assert_eq!(decision(bad), None, "{bad:?}");
        }
        let extra = r#"{"decision":"approve","arguments":{}}"#;
        assert_eq!(decision(extra), None, "approve does not take arguments");
    }

    #[test]
    fn unknown_outcomes_take_their_own_words() {
        let parse = |content| parse_answer(&request(RequestKind::ToolOutcomeUnknown), content);
        let done = parse(r#"{"decision":"done","result":"42"}"#).unwrap();
        assert_eq!(
            (done.decision, done.content.as_deref()),
            (Decision::Done, Some("42"))
        );
        assert!(parse("approve").is_err());
        assert!(parse(r#"{"decision":"done","arguments_digest":"ab"}"#).is_err());
    }

    #[test]
    fn clients_bring_results_and_errors() {
        let parse = |content| parse_answer(&request(RequestKind::ClientTool), content).unwrap();
        let text = |content| parse(content).content.unwrap();
        assert_eq!(text("42"), "42");
        assert_eq!(text(r#"{"content":"it is so"}"#), "it is so");
        for whole in [
            r#"{"content":7}"#,
            r#"{"content":"a","error":"b"}"#,
            r#"{"a":"b"}"#,
        ] {
            assert_eq!(text(whole), whole);
        }
        let failed = parse(r#"{"error":"no printer"}"#);
        assert_eq!(failed.decision, Decision::Failed);
        assert_eq!(
            (failed.reason.as_deref(), failed.content),
            (Some("no printer"), None)
        );
    }

    #[test]
    fn a_tools_own_question_may_be_declined() {
        let mut asked = request(RequestKind::Question);
        asked.asked_by_tool = true;
        let parse = |content| parse_answer(&asked, content).unwrap();
        let action = |content| parse(content).action.unwrap();
        let name = serde_json::json!({"name": "Ada"});
        assert_eq!(
            action(r#"{"name":"Ada"}"#),
            InputAction::Accept(name.clone())
        );
        assert_eq!(
            action(r#"{"action":"accept","content":{"name":"Ada"}}"#),
            InputAction::Accept(name)
        );
        assert_eq!(action("yes"), InputAction::Accept("yes".into()));
        assert_eq!(action(r#"{"action":"decline"}"#), InputAction::Decline);
        assert_eq!(
            action(r#"{"action":"cancel","content":null}"#),
            InputAction::Cancel
        );
        assert_eq!(parse(r#"{"action":"decline"}"#).decision, Decision::Reject);
    }
}
