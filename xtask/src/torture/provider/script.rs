//! What a run's model says, as its input tells.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// What an input that holds a script begins with.
const MARK: &str = "torture ";

/// All steps of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Script {
    /// Of the run; no other has it.
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) deltas: u64,
    pub(crate) every_ms: u64,
    /// Tools to call, with their arguments; without any it is the last step.
    #[serde(default)]
    pub(crate) calls: Vec<(String, Value)>,
    /// How its first tries fail.
    #[serde(default)]
    pub(crate) failures: Vec<Failure>,
}

/// How a try fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failure {
    /// With this status instead of a stream.
    Status(u16),
    /// The stream ends after so many deltas.
    CutAfter(u64),
}

impl Script {
    /// The input of the run.
    pub(crate) fn to_input(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{MARK}{json}")
    }

    /// The script in an input.
    pub(crate) fn from_input(content: &str) -> Option<Self> {
        serde_json::from_str(content.strip_prefix(MARK)?).ok()
    }

    /// The script that a history asks for, and which of its steps comes next, from 1.
    pub(crate) fn from_history(messages: &[Value]) -> Option<(Self, u64)> {
        let is_user = |message: &Value| message["role"] == "user";
        let last = messages.iter().rposition(is_user)?;
        let script = Self::from_input(text_of(&messages[last]["content"]))?;
        let has_calls = |message: &&Value| {
            let calls = message["tool_calls"].as_array();
            calls.is_some_and(|calls| !calls.is_empty())
        };
        let done = messages[last..].iter().filter(has_calls).count();
        Some((script, done as u64 + 1))
    }
}

/// Content is a text, or an array of parts with texts.
fn text_of(content: &Value) -> &str {
    let part = || content[0]["text"].as_str();
    content.as_str().or_else(part).unwrap_or_default()
}

/// Why a provider would refuse a history: a call without its result, or the other way round.
pub(crate) fn find_fault(messages: &[Value]) -> Option<String> {
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for message in messages {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if !open.remove(id) {
                return Some(format!("a result of {id:?}, which nobody called"));
            }
            continue;
        }
        if !open.is_empty() {
            return Some(format!("no result of {open:?}"));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            open.insert(call["id"].as_str().unwrap_or_default());
        }
    }
    (!open.is_empty()).then(|| format!("no result of {open:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn script() -> Script {
        let calls = vec![("calculator".to_owned(), json!({ "expression": "1+1" }))];
        let step = Step {
            deltas: 3,
            every_ms: 10,
            calls,
            failures: vec![Failure::Status(500), Failure::CutAfter(2)],
        };
        Script {
            name: "a-1".to_owned(),
            steps: vec![step, Step::default()],
        }
    }

    fn call(id: &str) -> Value {
        json!({ "role": "assistant", "content": "", "tool_calls": [{ "id": id }] })
    }

    fn result(id: &str) -> Value {
        json!({ "role": "tool", "tool_call_id": id, "content": "2" })
    }

    #[test]
    fn the_newest_input_and_the_calls_behind_it_tell_the_step() {
        let old = json!({ "role": "user", "content": "torture {}" });
        let new = json!({ "role": "user", "content": script().to_input() });
        let mut history = vec![old, call("a"), result("a"), new];
        assert_eq!(Script::from_history(&history), Some((script(), 1)));
        history.extend([call("b"), result("b")]);
        assert_eq!(Script::from_history(&history), Some((script(), 2)));
    }

    #[test]
    fn calls_and_results_must_pair() {
        let fault = |messages: &[Value]| find_fault(messages);
        assert_eq!(fault(&[call("a"), result("a")]), None);
        assert!(fault(&[call("a")]).is_some());
        assert!(fault(&[call("a"), call("b"), result("b")]).is_some());
        assert!(fault(&[call("a"), result("a"), result("a")]).is_some());
    }
}
