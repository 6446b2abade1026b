//! What the chunks of one answer add up to.

use genai::chat::StopReason;
use runloom_domain::Usage;
use runloom_domain::event::FinishReason;
use runloom_domain::text::without_nul;
use runloom_engine::port::model::{ModelError, ModelErrorKind, ModelEvent};

use super::calls::{BadCalls, ToolCalls};
use super::chunk::{self, Choice, Content, Delta};
use super::{opaque, usage};
use crate::endpoint::ApiKey;
use crate::failure;
use crate::sse::Frame;

/// How much reasoning is kept to be sent back in a tool loop, in bytes; more is not sent back.
pub(super) const MAX_REASONING_BYTES: usize = 256 * 1024;

/// Reads one answer, frame by frame. Text is passed on at once; tool calls only at the end,
/// when the provider has said that the answer is whole.
pub(super) struct Answer {
    route_id: String,
    key: Option<ApiKey>,
    calls: ToolCalls,
    reasoning: String,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    done: bool,
}

impl Answer {
    pub(super) fn new(route_id: String, key: Option<ApiKey>) -> Self {
        Self {
            route_id,
            key,
            calls: ToolCalls::default(),
            reasoning: String::new(),
            usage: None,
            finish: None,
            done: false,
        }
    }

    /// The provider has given its reason to stop: what is missing now is only bookkeeping.
    pub(super) const fn is_whole(&self) -> bool {
        self.finish.is_some()
    }

    /// The provider has said that nothing more comes.
    pub(super) const fn is_done(&self) -> bool {
        self.done
    }

    /// Takes one event of the stream and returns what it says.
    pub(super) fn take(&mut self, frame: &Frame) -> Result<Vec<ModelEvent>, ModelError> {
        if frame.data.trim() == "[DONE]" {
            self.done = true;
            return Ok(Vec::new());
        }
        let chunk = chunk::parse(&frame.data).map_err(|_| not_understood())?;
        if frame.event == "error" || chunk.error.is_some() {
            return Err(self.reported(frame));
        }
        let mut events = Vec::new();
        for choice in chunk.choices.into_iter().flatten() {
            self.choice(choice, &mut events)?;
        }
        let usage = chunk.usage.as_ref().and_then(usage::read);
        if usage.is_some() && usage != self.usage {
            self.usage = usage;
            events.extend(usage.map(ModelEvent::Usage));
        }
        Ok(events)
    }

    /// The events that end the answer.
    pub(super) fn end(self) -> Result<Vec<ModelEvent>, ModelError> {
        let reason = self.finish.ok_or_else(cut)?;
        // Some providers say `stop` after tool calls.
        let reason = match reason {
            FinishReason::Stop if !self.calls.is_empty() => FinishReason::ToolCalls,
            reason => reason,
        };
        let provider = (!self.calls.is_empty())
            .then(|| opaque::of(&self.route_id, &self.reasoning))
            .flatten();
        let mut events = self.calls.finish().map_err(|bad| bad_calls(&bad))?;
        events.push(ModelEvent::Finished { reason, provider });
        Ok(events)
    }

    fn choice(&mut self, choice: Choice, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        // One answer is asked for; others could only be mistakes.
        if choice.index.unwrap_or(0) > 0 {
            return Ok(());
        }
        if let Some(delta) = choice.delta {
            self.delta(delta, out)?;
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.finish = Some(finish_reason(reason));
        }
        Ok(())
    }

    fn delta(&mut self, delta: Delta, out: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let texts = |content: Option<Content>| content.map(Content::into_texts).unwrap_or_default();
        let (text, thought) = texts(delta.content);
        let named = texts(delta.reasoning_content.or(delta.reasoning)).0;
        self.reasoning(thought + &named, out);
        for text in [text, texts(delta.refusal).0] {
            if !text.is_empty() {
                out.push(ModelEvent::Text(cleaned(text)));
            }
        }
        for part in delta.tool_calls.into_iter().flatten() {
            self.calls.add(part).map_err(|bad| bad_calls(&bad))?;
        }
        Ok(())
    }

    fn reasoning(&mut self, text: String, out: &mut Vec<ModelEvent>) {
        if text.is_empty() {
            return;
        }
        let text = cleaned(text);
        if self.reasoning.len() <= MAX_REASONING_BYTES {
            self.reasoning.push_str(&text);
        }
        out.push(ModelEvent::Reasoning(text));
    }

    fn reported(&self, frame: &Frame) -> ModelError {
        let value = serde_json::from_str(&frame.data).unwrap_or_default();
        failure::in_stream(&value, self.key.as_ref())
    }
}

/// Text without NUL, which no store holds.
fn cleaned(text: String) -> String {
    match without_nul(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(cleaned) => cleaned,
    }
}

fn finish_reason(reason: String) -> FinishReason {
    match StopReason::from(reason) {
        StopReason::Completed(_) | StopReason::StopSequence(_) => FinishReason::Stop,
        StopReason::MaxTokens(_) => FinishReason::Length,
        StopReason::ToolCall(_) => FinishReason::ToolCalls,
        StopReason::ContentFilter(_) => FinishReason::ContentFilter,
        StopReason::Other(_) => FinishReason::Other,
    }
}

pub(super) fn cut() -> ModelError {
    ModelError::new(
        ModelErrorKind::Cut,
        "the provider's stream broke off before the answer was whole",
    )
}

fn not_understood() -> ModelError {
    ModelError::new(
        ModelErrorKind::Malformed,
        "the provider's stream holds something that is not a chunk of an answer",
    )
}

fn bad_calls(bad: &BadCalls) -> ModelError {
    let message = match bad {
        BadCalls::TooLarge => "the provider's tool calls are too many or too large",
        BadCalls::NoName => "the provider sent a tool call without a name",
    };
    ModelError::new(ModelErrorKind::Malformed, message)
}
