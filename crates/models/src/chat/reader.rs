//! Reads the chunks of one answer.

use runloom_domain::NanoUsd;
use runloom_engine::port::model::ModelError;
use serde_json::{Map, Value, json};

use super::chunk::{Choice, Chunk, Content, Delta};
use super::details::{DETAILS, Details};
use super::usage;
use crate::answer::{Answer, Reader, cleaned, finish_reason, parsed};
use crate::frames::Frame;
use crate::opaque;

/// The reasoning before a tool call, which DeepSeek and Kimi refuse to miss.
pub(super) const REASONING: &str = "reasoning_content";

#[derive(Debug, Default)]
pub(super) struct ChatReader {
    reasoning: String,
    details: Details,
}

impl Reader for ChatReader {
    fn take(&mut self, frame: &Frame, answer: &mut Answer) -> Result<(), ModelError> {
        if frame.data.trim() == "[DONE]" {
            answer.done();
            return Ok(());
        }
        let chunk: Chunk = parsed(frame)?;
        if frame.event == "error" || chunk.error.is_some() {
            return Err(answer.reported(&parsed(frame)?));
        }
        for choice in chunk.choices.into_iter().flatten() {
            self.choice(choice, answer)?;
        }
        if let Some(figures) = &chunk.usage {
            answer.usage(usage::read(figures));
            answer.cost(cost(figures));
        }
        Ok(())
    }

    fn opaque(&mut self) -> Map<String, Value> {
        let mut parts = Map::new();
        if let Some(details) = self.details.take() {
            // They hold the text too.
            parts.insert(DETAILS.into(), details);
        } else if !self.reasoning.is_empty() && self.reasoning.len() <= opaque::MAX_BYTES {
            parts.insert(REASONING.into(), json!(self.reasoning));
        }
        parts
    }
}

impl ChatReader {
    fn choice(&mut self, choice: Choice, answer: &mut Answer) -> Result<(), ModelError> {
        // One answer is asked for; others could only be mistakes.
        if choice.index.unwrap_or(0) > 0 {
            return Ok(());
        }
        if let Some(delta) = choice.delta {
            self.delta(delta, answer)?;
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            answer.finish(finish_reason(reason));
        }
        Ok(())
    }

    fn delta(&mut self, delta: Delta, answer: &mut Answer) -> Result<(), ModelError> {
        let texts = |content: Option<Content>| content.map(Content::into_texts).unwrap_or_default();
        let (text, thought) = texts(delta.content);
        let named = texts(delta.reasoning_content.or(delta.reasoning)).0;
        self.reasoning(thought + &named, answer);
        self.details.add(delta.reasoning_details);
        answer.text(text);
        answer.text(texts(delta.refusal).0);
        for part in delta.tool_calls.into_iter().flatten() {
            answer.call(part.into())?;
        }
        Ok(())
    }

    fn reasoning(&mut self, text: String, answer: &mut Answer) {
        let text = cleaned(text);
        if self.reasoning.len() <= opaque::MAX_BYTES {
            self.reasoning.push_str(&text);
        }
        answer.reasoning(text);
    }
}

/// What OpenRouter says that a call cost, in dollars.
fn cost(usage: &Value) -> Option<NanoUsd> {
    NanoUsd::from_dollars(usage.get("cost")?.as_f64()?)
}
