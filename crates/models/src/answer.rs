//! What the events of one answer add up to.

use std::borrow::Cow;

use genai::chat::StopReason;
use runloom_domain::event::FinishReason;
use runloom_domain::text::without_nul;
use runloom_domain::{NanoUsd, Usage};
use runloom_engine::port::model::{ModelError, ModelErrorKind, ModelEvent};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::calls::{BadCalls, CallPart, ToolCalls};
use crate::endpoint::ApiKey;
use crate::frames::Frame;
use crate::{failure, json, opaque};

/// Reads the events of one format.
pub(crate) trait Reader: Send {
    /// Takes one event of the stream and tells `answer` what it says.
    fn take(&mut self, frame: &Frame, answer: &mut Answer) -> Result<(), ModelError>;

    /// What the provider wants back with the calls of this answer; empty when it wants nothing.
    fn opaque(&mut self) -> Map<String, Value>;
}

/// One answer so far. Text is passed on at once; tool calls only at the end, when the provider
/// has said that the answer is whole.
pub(crate) struct Answer {
    route_id: String,
    key: Option<ApiKey>,
    calls: ToolCalls,
    usage: Option<Usage>,
    cost: Option<NanoUsd>,
    finish: Option<FinishReason>,
    done: bool,
    events: Vec<ModelEvent>,
}

impl Answer {
    /// An answer by that route; `key` is what no message may show.
    pub(crate) fn new(route_id: String, key: Option<ApiKey>) -> Self {
        Self {
            route_id,
            key,
            calls: ToolCalls::default(),
            usage: None,
            cost: None,
            finish: None,
            done: false,
            events: Vec::new(),
        }
    }

    /// The provider has given its reason to stop: what is missing now is only bookkeeping.
    pub(crate) const fn is_whole(&self) -> bool {
        self.finish.is_some()
    }

    /// The provider has said that nothing more comes.
    pub(crate) const fn is_done(&self) -> bool {
        self.done
    }

    /// What has been said since the last time.
    pub(crate) fn take_events(&mut self) -> Vec<ModelEvent> {
        std::mem::take(&mut self.events)
    }

    /// Answer text.
    pub(crate) fn text(&mut self, text: String) {
        if !text.is_empty() {
            self.events.push(ModelEvent::Text(cleaned(text)));
        }
    }

    /// Reasoning text.
    pub(crate) fn reasoning(&mut self, text: String) {
        if !text.is_empty() {
            self.events.push(ModelEvent::Reasoning(cleaned(text)));
        }
    }

    /// A piece of a tool call.
    pub(crate) fn call(&mut self, part: CallPart) -> Result<(), ModelError> {
        self.calls.add(part).map_err(|bad| bad_calls(&bad))
    }

    /// How many tool calls have begun.
    pub(crate) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Figures so far, or `None` when what was said can't be believed.
    pub(crate) fn usage(&mut self, usage: Option<Usage>) {
        if usage.is_some() && usage != self.usage {
            self.usage = usage;
            self.events.extend(usage.map(ModelEvent::Usage));
        }
    }

    /// What the provider says that the call cost.
    pub(crate) fn cost(&mut self, cost: Option<NanoUsd>) {
        if cost.is_some() && cost != self.cost {
            self.cost = cost;
            self.events.extend(cost.map(ModelEvent::Cost));
        }
    }

    /// The provider's reason to stop.
    pub(crate) const fn finish(&mut self, reason: FinishReason) {
        self.finish = Some(reason);
    }

    /// The provider has said that nothing more comes.
    pub(crate) const fn done(&mut self) {
        self.done = true;
    }

    /// The failure that the provider reported by `value`.
    pub(crate) fn reported(&self, value: &Value) -> ModelError {
        failure::in_stream(value, self.key.as_ref())
    }

    /// The events that end the answer.
    pub(crate) fn end(mut self, reader: &mut dyn Reader) -> Result<Vec<ModelEvent>, ModelError> {
        let reason = match self.finish.ok_or_else(cut)? {
            // Some providers say `stop` after tool calls, or have a word of their own for it.
            FinishReason::Stop | FinishReason::Other if self.calls() > 0 => FinishReason::ToolCalls,
            reason => reason,
        };
        let parts = reader.opaque();
        let wanted = self.calls() > 0 && !parts.is_empty();
        let provider = wanted.then(|| opaque::of(&self.route_id, parts));
        let calls = self.calls.finish().map_err(|bad| bad_calls(&bad))?;
        self.events.extend(calls);
        self.events.push(ModelEvent::Finished { reason, provider });
        Ok(self.events)
    }
}

/// The data of an event, understood as `T`.
pub(crate) fn parsed<T: DeserializeOwned>(frame: &Frame) -> Result<T, ModelError> {
    json::parse(&frame.data).map_err(|_| not_understood())
}

/// Text without NUL, which no store holds.
pub(crate) fn cleaned(text: String) -> String {
    match without_nul(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(cleaned) => cleaned,
    }
}

/// What a provider's word for its reason to stop means.
pub(crate) fn finish_reason(reason: String) -> FinishReason {
    match StopReason::from(reason) {
        StopReason::Completed(_) | StopReason::StopSequence(_) => FinishReason::Stop,
        StopReason::MaxTokens(_) => FinishReason::Length,
        StopReason::ToolCall(_) => FinishReason::ToolCalls,
        StopReason::ContentFilter(_) => FinishReason::ContentFilter,
        StopReason::Other(_) => FinishReason::Other,
    }
}

pub(crate) fn cut() -> ModelError {
    ModelError::new(
        ModelErrorKind::Cut,
        "the provider's stream broke off before the answer was whole",
    )
}

fn not_understood() -> ModelError {
    ModelError::new(
        ModelErrorKind::Malformed,
        "the provider's stream holds something that is not a part of an answer",
    )
}

fn bad_calls(bad: &BadCalls) -> ModelError {
    let message = match bad {
        BadCalls::TooLarge => "the provider's tool calls are too many or too large",
        BadCalls::NoName => "the provider sent a tool call without a name",
    };
    ModelError::new(ModelErrorKind::Malformed, message)
}
