//! The chunks of an OpenAI-style stream, as loosely as its dialects need.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// One `data` object. What isn't known is passed over.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub(super) choices: Option<Vec<Choice>>,
    /// Read apart, so that bad figures don't spoil the text.
    pub(super) usage: Option<Value>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) index: Option<u64>,
    pub(super) delta: Option<Delta>,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<Content>,
    pub(super) refusal: Option<Content>,
    pub(super) reasoning_content: Option<Content>,
    /// The same under its other name.
    pub(super) reasoning: Option<Content>,
    pub(super) tool_calls: Option<Vec<ToolCallPart>>,
}

/// Text, or a list of typed parts (Mistral).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
    Other(IgnoredAny),
}

#[derive(Debug, Deserialize)]
pub(super) struct Part {
    text: Option<Box<Content>>,
    thinking: Option<Box<Content>>,
}

/// A piece of a tool call.
#[derive(Debug, Deserialize)]
pub(super) struct ToolCallPart {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) function: Option<FunctionPart>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FunctionPart {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<Arguments>,
}

/// Arguments as text, or (some gateways) as the object itself.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Arguments {
    Text(String),
    Object(serde_json::Map<String, Value>),
}

impl Content {
    /// Answer text and reasoning text; either may be empty.
    pub(super) fn into_texts(self) -> (String, String) {
        match self {
            Self::Text(text) => (text, String::new()),
            Self::Parts(parts) => {
                let (mut text, mut reasoning) = (String::new(), String::new());
                for part in parts {
                    let own = part.text.map(|content| content.into_texts());
                    text.push_str(&own.unwrap_or_default().0);
                    let thought = part.thinking.map(|content| content.into_texts());
                    reasoning.push_str(&thought.unwrap_or_default().0);
                }
                (text, reasoning)
            }
            Self::Other(_) => (String::new(), String::new()),
        }
    }
}

/// Parses a `data` text. Half a surrogate pair in an escape, which some providers send when
/// they cut a character in two, becomes a replacement character.
pub(super) fn parse(data: &str) -> Result<Chunk, serde_json::Error> {
    serde_json::from_str(data).or_else(|error| match repaired(data) {
        Some(repaired) => serde_json::from_str(&repaired),
        None => Err(error),
    })
}

/// `json` with each lone surrogate escape replaced, or `None` when there is none.
fn repaired(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    let mut changed = false;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let length = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                changed = true;
                out.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            // The escaped character goes along, so that `\\` isn't taken for two escapes.
            (None, _) => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    out.push_str(rest);
    changed.then_some(out)
}

enum Half {
    High,
    Low,
}

/// The surrogate that `text` begins with, as an escape.
fn surrogate(text: &str) -> Option<Half> {
    let code = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    match code {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(data: &str) -> (String, String) {
        let chunk = parse(&format!(
            r#"{{"choices":[{{"delta":{{"content":{data}}}}}]}}"#
        ))
        .unwrap();
        let delta = chunk.choices.unwrap().remove(0).delta.unwrap();
        delta.content.map(Content::into_texts).unwrap_or_default()
    }

    #[test]
    fn content_comes_in_many_forms() {
        let both = |text: &str, thought: &str| (text.to_owned(), thought.to_owned());
        assert_eq!(content(r#""a""#), both("a", ""));
        assert_eq!(content("null"), both("", ""));
        assert_eq!(content("7"), both("", ""));
        let parts = r#"[{"type":"thinking","thinking":[{"type":"text","text":"if"}]},
            {"type":"text","text":"No"},{"type":"image"}]"#;
        assert_eq!(content(parts), both("No", "if"));
    }

    #[test]
    fn lone_surrogates_are_replaced_and_pairs_kept() {
        assert_eq!(content(r#""a\ud83db""#).0, "a\u{fffd}b");
        assert_eq!(
            content(r#""\ude00\ud83d\ude00\ud83d""#).0,
            "\u{fffd}😀\u{fffd}"
        );
        assert_eq!(content(r#""\\ud83d\ud83d""#).0, "\\ud83d\u{fffd}");
        assert_eq!(repaired(r#"{"a":"\n\\"}"#), None);
        assert!(parse(r#"{"a":"\"#).is_err());
        assert!(parse(r#"{"a":"\ud83dé"#).is_err());
    }
}
