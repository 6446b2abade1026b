use std::time::Duration;

use serde_json::{Value, json};

/// What a request gets.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A stream of these pieces.
    Stream(Vec<Piece>),
    /// The same as lines of JSON, which is what Ollama streams.
    Lines(Vec<Piece>),
    /// A failure before any stream.
    Status {
        /// HTTP status.
        status: u16,
        /// More headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// Nothing, for ever.
    Silence,
}

/// A piece of a stream.
#[derive(Clone, Debug)]
pub enum Piece {
    /// A delta of text.
    Text(String),
    /// A delta of reasoning.
    Reasoning(String),
    /// A tool call in two deltas, as providers stream them.
    Call {
        /// Its place among the calls of the answer.
        index: u32,
        /// The provider's id.
        id: String,
        /// The tool.
        name: String,
        /// The arguments, JSON or not.
        arguments: String,
    },
    /// Why it ends.
    Finish(&'static str),
    /// What it used.
    Usage {
        /// Input tokens, cached ones included.
        prompt: i64,
        /// Those of them that came from the cache.
        cached: i64,
        /// Output tokens.
        completion: i64,
    },
    /// `[DONE]`
    Done,
    /// These bytes.
    Raw(Vec<u8>),
    /// A pause.
    Wait(Duration),
    /// Silence for ever.
    Hang,
    /// The connection is closed in the middle of the body.
    Cut,
}

impl Reply {
    /// A whole answer, one delta per word, with 12 tokens of input, 4 of them cached, and as
    /// many of output as there are words.
    pub fn text(text: &str) -> Self {
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        let count = i64::try_from(words.len()).expect("a short text");
        let mut pieces: Vec<Piece> = words
            .into_iter()
            .map(|word| Piece::Text(word.to_owned()))
            .collect();
        pieces.extend([Piece::Finish("stop"), Piece::usage(count), Piece::Done]);
        Self::Stream(pieces)
    }

    /// A whole answer of any status that isn't a stream.
    pub fn whole(status: u16, body: &str) -> Self {
        Self::Status {
            status,
            headers: vec![],
            body: body.to_owned(),
        }
    }

    /// A whole answer that calls one tool.
    pub fn call(name: &str, arguments: &Value) -> Self {
        Self::Stream(vec![
            Piece::call(name, &arguments.to_string()),
            Piece::Finish("tool_calls"),
            Piece::usage(7),
            Piece::Done,
        ])
    }

    /// A failure in OpenAI's form.
    pub fn status(status: u16) -> Self {
        let error = json!({ "error": {
            "message": "the mock fails, sk-secret-canary", "type": "mock_error", "code": null,
        }});
        Self::Status {
            status,
            headers: Vec::new(),
            body: error.to_string(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

impl Piece {
    /// The usual usage with this much output.
    pub const fn usage(completion: i64) -> Self {
        Self::Usage {
            prompt: 12,
            cached: 4,
            completion,
        }
    }

    /// The first call of an answer.
    pub fn call(name: &str, arguments: &str) -> Self {
        Self::Call {
            index: 0,
            id: "call_0".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        }
    }

    /// The bytes of a piece that consists of bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let chunks = match self {
            Self::Raw(bytes) => return bytes.clone(),
            Self::Done => return b"data: [DONE]\n\n".to_vec(),
            Self::Text(text) => vec![choice(&json!({ "content": text }), None)],
            Self::Reasoning(text) => vec![choice(&json!({ "reasoning_content": text }), None)],
            Self::Call {
                index,
                id,
                name,
                arguments,
            } => vec![
                choice(
                    &json!({ "tool_calls": [{ "index": index, "id": id, "type": "function",
                        "function": { "name": name, "arguments": "" } }] }),
                    None,
                ),
                choice(
                    &json!({ "tool_calls": [{ "index": index,
                        "function": { "arguments": arguments } }] }),
                    None,
                ),
            ],
            Self::Finish(reason) => vec![choice(&json!({}), Some(reason))],
            Self::Usage {
                prompt,
                cached,
                completion,
            } => vec![chunk(
                &json!([]),
                &json!({ "prompt_tokens": prompt, "completion_tokens": completion,
                    "total_tokens": prompt + completion,
                    "prompt_tokens_details": { "cached_tokens": cached } }),
            )],
            Self::Wait(_) | Self::Hang | Self::Cut => Vec::new(),
        };
        chunks.concat().into_bytes()
    }
}

fn choice(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    chunk(&choice, &Value::Null)
}

fn chunk(choices: &Value, usage: &Value) -> String {
    let mut chunk = json!({ "id": "mock", "object": "chat.completion.chunk", "created": 1,
        "model": "mock-1", "choices": choices });
    if !usage.is_null() {
        chunk["usage"] = usage.clone();
    }
    format!("data: {chunk}\n\n")
}
