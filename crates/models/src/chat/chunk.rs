//! The chunks of an OpenAI-style stream, as loosely as its dialects need.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::calls::CallPart;

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
    /// OpenRouter's; whatever else goes by that name is passed over.
    pub(super) reasoning_details: Option<Value>,
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
    Object(Map<String, Value>),
}

impl From<ToolCallPart> for CallPart {
    fn from(part: ToolCallPart) -> Self {
        let (name, arguments) = part
            .function
            .map_or((None, None), |f| (f.name, f.arguments));
        Self {
            index: part.index,
            id: part.id.unwrap_or_default(),
            name: name.unwrap_or_default(),
            arguments: match arguments {
                Some(Arguments::Text(text)) => text,
                Some(Arguments::Object(object)) => Value::Object(object).to_string(),
                None => String::new(),
            },
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn content(data: &str) -> (String, String) {
        let chunk: Chunk = crate::json::parse(&format!(
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
}
