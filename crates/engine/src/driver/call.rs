//! A model call under way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::StreamExt as _;
use runloom_domain::event::{Delta, FinishReason};
use runloom_domain::{EncodedEvent, EventBody, NanoUsd, NewEvent, ToolCallId, Usage, text};
use serde_json::Value;
use tokio::time::{Instant, Sleep};

use super::budget;
use super::open::{Passage, Terms};
use crate::gate;
use crate::machine::{AnsweredCall, FailedCall, Input, ModelAnswer};
use crate::port::model::{ModelError, ModelErrorKind, ModelEvent, ModelStream};
use crate::shared::Shared;

/// How many pieces are taken at once when they are there already.
const MAX_READY: usize = 256;
/// The longest text of one delta, in bytes; a longer piece is split.
const MAX_DELTA: usize = 32 * 1024;
/// The longest answer, in bytes of JSON of text, arguments and what each call costs besides: the
/// whole message must fit into one event of 1 MiB.
const MAX_ANSWER: usize = 960 * 1024;
/// The longest reasoning, in bytes. It is passed on and not kept, so it may be longer.
const MAX_REASONING: usize = 8 * 1024 * 1024;

/// What a tool call takes besides its text, so that empty ones are bounded too.
const CALL_BYTES: usize = 256;

/// A model call under way.
pub(super) struct LiveCall {
    stream: ModelStream,
    terms: Terms,
    passage: Arc<Passage>,
    /// Whether the driver knows that the provider was called.
    was_called: bool,
    output_bytes: usize,
    reasoning_bytes: usize,
    /// What the whole message takes so far, as JSON.
    kept_bytes: usize,
    text: String,
    calls: Vec<(String, String, String)>,
    usage: Option<Usage>,
    /// What the provider says that it cost.
    cost: Option<NanoUsd>,
    /// Over when the try has taken too long in all; begins with the call.
    patience: Option<Pin<Box<Sleep>>>,
}

/// What the model has sent since last time.
pub(super) struct Progress {
    step: u32,
    attempt: u32,
    /// Whether clients see the text.
    is_shown: bool,
    pieces: Vec<(Piece, String)>,
    /// How the call ended, if it did.
    pub(super) end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Text,
    Reasoning,
}

/// How a model call ended.
pub(super) type End = Result<(FinishReason, Option<Value>), ModelError>;

/// Waits until the model sends something, then takes all that is there. Cancel safe: what has
/// been taken from the stream is in the call or returned.
pub(super) async fn progress(call: &mut Option<LiveCall>) -> Progress {
    let Some(call) = call else {
        return std::future::pending().await;
    };
    std::future::poll_fn(|cx| {
        let mut progress = Progress {
            step: call.terms.at.step,
            attempt: call.terms.at.attempt,
            is_shown: call.terms.at.purpose.is_none(),
            pieces: Vec::new(),
            end: None,
        };
        if call.is_endless(cx) {
            progress.end = Some(Err(endless()));
            return Poll::Ready(progress);
        }
        let mut pending = false;
        for _ in 0..MAX_READY {
            match call.stream.poll_next_unpin(cx) {
                Poll::Ready(event) => call.take(event, &mut progress),
                Poll::Pending => {
                    pending = true;
                    break;
                }
            }
            if progress.end.is_some() {
                break;
            }
        }
        // Its time may have begun only now.
        if pending && call.is_endless(cx) {
            progress.end = Some(Err(endless()));
        }
        // The driver has to look anew at how long it may wait.
        if call.passage.called.get().is_some() && !call.was_called {
            call.was_called = true;
            return Poll::Ready(progress);
        }
        // A call or a usage report alone is nothing to tell anybody yet.
        if pending && progress.pieces.is_empty() && progress.end.is_none() {
            return Poll::Pending;
        }
        Poll::Ready(progress)
    })
    .await
}

/// How long a text is as JSON, its quotation marks aside.
fn json_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

fn endless() -> ModelError {
    ModelError::new(
        ModelErrorKind::Endless,
        "the model took longer for its answer than the route allows",
    )
}

impl LiveCall {
    pub(super) fn new(stream: ModelStream, terms: Terms, passage: Arc<Passage>) -> Self {
        Self {
            stream,
            terms,
            passage,
            was_called: false,
            output_bytes: 0,
            reasoning_bytes: 0,
            kept_bytes: 0,
            text: String::new(),
            calls: Vec::new(),
            usage: None,
            cost: None,
            patience: None,
        }
    }

    /// When the provider or its adapter must have said something.
    pub(super) fn latest(&self) -> Option<Instant> {
        let now = Instant::now();
        if self.passage.called.get().is_none() {
            return Some(now + gate::PATIENCE);
        }
        let total = self.patience.as_ref().map(|sleep| sleep.deadline());
        let silence = self.terms.silence.map(|silence| now + silence);
        [total, silence].into_iter().flatten().min()
    }

    /// Whether its time is over; registers for the moment when it will be.
    fn is_endless(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(called) = self
            .passage
            .called
            .get()
            .filter(|_| !self.terms.total.is_zero())
        else {
            return false;
        };
        let until = *called + self.terms.total;
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        patience.as_mut().poll(cx).is_ready()
    }

    fn take(&mut self, event: Option<Result<ModelEvent, ModelError>>, progress: &mut Progress) {
        match event {
            Some(Ok(ModelEvent::Text(piece))) => {
                let piece = text::without_nul(&piece).into_owned();
                self.output_bytes += piece.len();
                self.kept_bytes += json_bytes(&piece);
                self.text.push_str(&piece);
                progress.push(Piece::Text, piece);
            }
            Some(Ok(ModelEvent::Reasoning(piece))) => {
                let piece = text::without_nul(&piece).into_owned();
                self.output_bytes += piece.len();
                self.reasoning_bytes += piece.len();
                progress.push(Piece::Reasoning, piece);
            }
            Some(Ok(ModelEvent::ToolCall {
                provider_id,
                name,
                arguments,
            })) => {
                self.output_bytes += provider_id.len() + name.len() + arguments.len();
                let texts = [&provider_id, &name, &arguments];
                self.kept_bytes +=
                    CALL_BYTES + texts.map(|text| json_bytes(text)).iter().sum::<usize>();
                self.calls.push((provider_id, name, arguments));
            }
            Some(Ok(ModelEvent::Usage(usage))) => self.usage = Some(usage),
            Some(Ok(ModelEvent::Cost(cost))) => self.cost = Some(cost),
            Some(Ok(ModelEvent::Finished { reason, provider })) => {
                progress.end = Some(Ok((reason, provider)));
            }
            Some(Err(error)) => progress.end = Some(Err(error)),
            None => {
                let message = "the stream ended without an end";
                progress.end = Some(Err(ModelError::new(ModelErrorKind::Cut, message)));
            }
        }
        if progress.end.is_none()
            && let Some(error) = self.too_long()
        {
            progress.end = Some(Err(error));
        }
    }

    fn too_long(&self) -> Option<ModelError> {
        let message = if self.kept_bytes > MAX_ANSWER {
            format!("the answer is longer than {MAX_ANSWER} bytes")
        } else if self.reasoning_bytes > MAX_REASONING {
            format!("the reasoning is longer than {MAX_REASONING} bytes")
        } else {
            return self.over_budget();
        };
        Some(ModelError::new(ModelErrorKind::BadRequest, message))
    }

    /// Cuts an answer that by our own estimate has used up what was left for it: a provider that
    /// doesn't stop where it was told to must not spend more.
    fn over_budget(&self) -> Option<ModelError> {
        let budget = self.terms.budget?;
        let estimate = Usage::estimated(0, self.output_bytes).tokens.output_tokens;
        (estimate > budget).then(|| budget::exhausted(budget))
    }

    fn usage(&self) -> Usage {
        let (sent, received) = if self.passage.is_accepted() {
            (self.terms.input_bytes, self.output_bytes)
        } else {
            (0, 0)
        };
        self.usage
            .unwrap_or_else(|| Usage::estimated(sent, received))
    }

    /// The input that the call's end is for the machine.
    pub(super) fn into_input(self, end: End, shared: &Shared) -> Input {
        let usage = self.usage();
        let end = match (end, self.terms.budget) {
            (Ok((FinishReason::Length, _)), Some(budget)) if self.terms.is_bound_by_budget => {
                Err(budget::exhausted(budget))
            }
            (end, _) => end,
        };
        let error = end.as_ref().err().map(|error| error.kind.class());
        let models = &shared.metrics.models;
        let took = self
            .passage
            .called
            .get()
            .map(Instant::elapsed)
            .unwrap_or_default();
        models.ended(&self.terms.route_id, took, error);
        match end {
            Ok((reason, provider)) => Input::ModelFinished(ModelAnswer {
                text: self.text,
                calls: self
                    .calls
                    .into_iter()
                    .map(|(provider_id, name, arguments)| AnsweredCall {
                        tool_call_id: ToolCallId::generate(shared.parts.clock.now()),
                        provider_id,
                        name: text::without_nul(text::prefix(&name, 128)).into_owned(),
                        arguments: parse_arguments(&arguments),
                    })
                    .collect(),
                reason,
                usage,
                reported_cost: self.cost,
                provider,
            }),
            Err(error) => Input::ModelFailed(FailedCall {
                error,
                usage,
                reported_cost: self.cost,
                shorter: self.terms.shorter,
                text: Some(self.text),
            }),
        }
    }

    /// What the call had used and said when it was cut.
    pub(super) fn into_cut(self) -> FailedCall {
        let usage = self.usage();
        let error = ModelError::new(ModelErrorKind::Cut, "the call was stopped");
        FailedCall {
            error,
            usage,
            reported_cost: self.cost,
            shorter: self.terms.shorter,
            text: Some(self.text),
        }
    }
}

/// The arguments as an object; what isn't one stays as the string that the model wrote, and
/// the call gets an error for its result. A model may leave out the braces when a tool takes
/// nothing.
fn parse_arguments(arguments: &str) -> Value {
    let cleaned = text::without_nul(arguments);
    if cleaned.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    match serde_json::from_str(&cleaned) {
        Ok(value @ Value::Object(_)) => without_nul_inside(value),
        _ => Value::String(cleaned.into_owned()),
    }
}

/// JSON may hide a NUL in an escape.
fn without_nul_inside(value: Value) -> Value {
    match value {
        Value::String(s) => Value::String(text::without_nul(&s).into_owned()),
        Value::Array(items) => items.into_iter().map(without_nul_inside).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| {
                (
                    text::without_nul(&key).into_owned(),
                    without_nul_inside(value),
                )
            })
            .collect(),
        other => other,
    }
}

impl Progress {
    fn push(&mut self, kind: Piece, mut piece: String) {
        if !self.is_shown {
            return;
        }
        while piece.len() > MAX_DELTA {
            let cut = text::prefix(&piece, MAX_DELTA).len();
            let rest = piece.split_off(cut);
            self.pieces
                .push((kind, std::mem::replace(&mut piece, rest)));
        }
        if !piece.is_empty() {
            self.pieces.push((kind, piece));
        }
    }

    /// The delta events, one for each piece.
    pub(super) fn deltas(&self, shared: &Shared) -> Vec<EncodedEvent> {
        let now = shared.parts.clock.now();
        let delta = |(kind, content): &(Piece, String)| {
            let role = (*kind == Piece::Text).then(|| "assistant".to_owned());
            let content = content.clone();
            let delta = Delta {
                content,
                role,
                step: self.step,
                attempt: self.attempt,
            };
            NewEvent::public(match kind {
                Piece::Text => EventBody::MessageDelta(delta),
                Piece::Reasoning => EventBody::ReasoningDelta(delta),
            })
            .encode(now)
        };
        self.pieces.iter().map(delta).collect()
    }
}
