//! Scripts as data.

use std::path::PathBuf;

use runloom_domain::TokenBuckets;
use runloom_domain::event::FinishReason;
use runloom_engine::port::model::ModelErrorKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A script can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file can't be read.
    #[error("can't read the script {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text isn't a script.
    #[error("not a script")]
    Invalid(#[from] serde_json::Error),
}

/// What a scripted model does in the calls of one run, in order; never empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Turn>", into = "Vec<Turn>")]
pub struct Script {
    first: Turn,
    rest: Vec<Turn>,
}

impl Script {
    /// A script of one turn.
    pub const fn new(first: Turn) -> Self {
        Self {
            first,
            rest: Vec::new(),
        }
    }

    /// Adds a turn.
    #[must_use]
    pub fn then(mut self, turn: Turn) -> Self {
        self.rest.push(turn);
        self
    }

    /// The turn of that index; beyond the end, the last.
    pub(super) fn turn(&self, index: usize) -> &Turn {
        match index.min(self.rest.len()) {
            0 => &self.first,
            later => &self.rest[later - 1],
        }
    }
}

impl TryFrom<Vec<Turn>> for Script {
    type Error = &'static str;

    fn try_from(turns: Vec<Turn>) -> Result<Self, Self::Error> {
        let mut turns = turns.into_iter();
        let first = turns.next().ok_or("a script needs a turn")?;
        let rest = turns.collect();
        Ok(Self { first, rest })
    }
}

impl From<Script> for Vec<Turn> {
    fn from(script: Script) -> Self {
        std::iter::once(script.first).chain(script.rest).collect()
    }
}

/// What a scripted model does in one call, in order.
///
/// A turn that says nothing else ends whole: with usage (input estimated from the sizes of
/// what was sent, one output token per delta) and the reason that fits.
pub type Turn = Vec<Action>;

/// One thing that a scripted model does.
///
/// In texts, `{last_user}` stands for the beginning of the user's last message and
/// `{last_tool}` for that of the last tool result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// One delta of text: `{"text": "Hello"}`.
    Text(String),
    /// One delta of reasoning.
    Reasoning(String),
    /// A text, one delta per word: `{"words": {"text": "a b c", "every_ms": 40}}`.
    Words {
        /// The text.
        text: String,
        /// Milliseconds between two deltas.
        #[serde(default)]
        every_ms: u64,
    },
    /// Deltas `w00 `, `w01 `, …: `{"count": {"to": 50, "every_ms": 0}}`.
    Count {
        /// How many.
        to: u32,
        /// Milliseconds between two deltas.
        #[serde(default)]
        every_ms: u64,
    },
    /// A tool call: `{"tool_call": {"name": "calculator", "arguments": {"expression": "1+1"}}}`.
    ToolCall {
        /// The provider's id; by default `call_0` for the first of each turn, and so on.
        #[serde(default)]
        id: Option<String>,
        /// The tool.
        name: String,
        /// The arguments; a JSON string is sent as it is, so that it can be broken.
        arguments: Value,
    },
    /// Silence of that many milliseconds, whatever the route's timeouts say.
    DelayMs(u64),
    /// The call fails; before the first delta as the answer to the request, else in the stream.
    Error(ScriptedError),
    /// Usage as reported; replaces the usual figures.
    Usage(TokenBuckets),
    /// No usage is reported.
    NoUsage,
    /// Silence until the route's timeout: the header timeout before the first delta, else the
    /// idle timeout.
    Hang,
    /// The stream breaks off.
    Cut,
    /// The reason given at the end; replaces the usual one.
    Finish(FinishReason),
}

/// A scripted failure: `{"error": {"kind": "rate_limited", "retry_after_ms": 50}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptedError {
    /// The kind, by the second half of its class: `rate_limited`, `stream_cut`, ….
    #[serde(serialize_with = "write_kind", deserialize_with = "read_kind")]
    pub kind: ModelErrorKind,
    /// The message.
    #[serde(default = "default_message")]
    pub message: String,
    /// How long the provider asks to wait, in milliseconds.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
    /// Only the first so many attempts of a step fail; later ones pass over this action.
    #[serde(default)]
    pub first_attempts: Option<u32>,
}

fn default_message() -> String {
    "a scripted failure".into()
}

const KINDS: [ModelErrorKind; 13] = [
    ModelErrorKind::Timeout,
    ModelErrorKind::RateLimited,
    ModelErrorKind::Unavailable,
    ModelErrorKind::Cut,
    ModelErrorKind::Stalled,
    ModelErrorKind::Malformed,
    ModelErrorKind::BadRequest,
    ModelErrorKind::ContextOverflow,
    ModelErrorKind::Unauthorized,
    ModelErrorKind::PaymentRequired,
    ModelErrorKind::NotFound,
    ModelErrorKind::ContentFilter,
    ModelErrorKind::NotConfigured,
];

fn kind_name(kind: ModelErrorKind) -> &'static str {
    kind.class().trim_start_matches("provider.")
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn write_kind<S: Serializer>(kind: &ModelErrorKind, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(kind_name(*kind))
}

fn read_kind<'de, D: Deserializer<'de>>(from: D) -> Result<ModelErrorKind, D::Error> {
    let name = String::deserialize(from)?;
    KINDS
        .into_iter()
        .find(|kind| kind_name(*kind) == name)
        .ok_or_else(|| serde::de::Error::custom(format!("no kind of failure is called {name:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_read_and_written_alike() {
        let json = r#"[[{"text":"a"},{"delay_ms":5},"hang"],
            [{"error":{"kind":"stream_cut"}},{"finish":"length"},
             {"tool_call":{"name":"t","arguments":"{broken"}}]]"#;
        let script: Script = serde_json::from_str(json).unwrap();
        assert_eq!(script.turn(0).len(), 3);
        assert_eq!(script.turn(9), script.turn(1));
        let written = serde_json::to_string(&script).unwrap();
        assert_eq!(serde_json::from_str::<Script>(&written).unwrap(), script);
    }

    #[test]
    fn bad_scripts_say_what_is_wrong() {
        let wrong = |json| {
            serde_json::from_str::<Script>(json)
                .unwrap_err()
                .to_string()
        };
        assert!(wrong("[]").contains("needs a turn"));
        assert!(wrong(r#"[[{"error":{"kind":"x"}}]]"#).contains("called \"x\""));
        assert!(wrong(r#"[[{"txt":"a"}]]"#).contains("txt"));
    }
}
