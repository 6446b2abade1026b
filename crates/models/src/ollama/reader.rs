//! Reads the lines of one answer.

use runloom_domain::event::FinishReason;
use runloom_engine::port::model::ModelError;
use serde_json::{Map, Value, json};

use super::chunk::{Chunk, Message, ToolCall};
use super::usage;
use crate::answer::{Answer, Reader, cleaned, finish_reason, parsed};
use crate::calls::CallPart;
use crate::frames::Frame;
use crate::opaque;

/// What the model thought before a tool call.
pub(super) const THINKING: &str = "thinking";

#[derive(Debug, Default)]
pub(super) struct OllamaReader {
    thinking: String,
}

impl Reader for OllamaReader {
    fn take(&mut self, frame: &Frame, answer: &mut Answer) -> Result<(), ModelError> {
        let mut chunk: Chunk = parsed(frame)?;
        if chunk.error.is_some() {
            return Err(answer.reported(&parsed(frame)?));
        }
        if let Some(message) = chunk.message.take() {
            self.message(message, answer)?;
        }
        if chunk.done {
            answer.usage(usage::read(&chunk));
            // Old versions give no reason.
            let reason = chunk.done_reason.map(finish_reason);
            answer.finish(reason.unwrap_or(FinishReason::Stop));
            answer.done();
        }
        Ok(())
    }

    fn opaque(&mut self) -> Map<String, Value> {
        let mut parts = Map::new();
        if !self.thinking.is_empty() && self.thinking.len() <= opaque::MAX_BYTES {
            parts.insert(THINKING.into(), json!(self.thinking));
        }
        parts
    }
}

impl OllamaReader {
    fn message(&mut self, message: Message, answer: &mut Answer) -> Result<(), ModelError> {
        let thinking = cleaned(message.thinking.unwrap_or_default());
        if self.thinking.len() <= opaque::MAX_BYTES {
            self.thinking.push_str(&thinking);
        }
        answer.reasoning(thinking);
        answer.text(message.content.unwrap_or_default());
        for call in message.tool_calls.into_iter().flatten() {
            answer.call(part(call, answer.calls()))?;
        }
        Ok(())
    }
}

fn part(call: ToolCall, before: usize) -> CallPart {
    let (name, arguments) = call
        .function
        .map_or((None, None), |f| (f.name, f.arguments));
    CallPart {
        index: Some(before as u64),
        id: call.id.unwrap_or_default(),
        name: name.unwrap_or_default(),
        arguments: Value::Object(arguments.unwrap_or_default()).to_string(),
    }
}
