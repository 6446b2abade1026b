//! Plays one turn of a script.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use runloom_domain::event::FinishReason;
use runloom_domain::{MessageBody, TokenBuckets, Usage, text};
use runloom_engine::port::model::{
    ModelError, ModelErrorKind, ModelEvent, ModelRequest, ModelStream,
};
use tokio::time::sleep;

use super::{Action, ScriptedError, Turn};

/// How much of a message an answer quotes.
const QUOTE_MAX_BYTES: usize = 200;

/// A turn taken apart into what the stream does.
enum Beat {
    Emit(ModelEvent),
    Wait(Duration),
    Fail(ModelError),
    Hang,
    Cut,
}

/// Plays the turn: what comes before its first event, then the stream of the rest.
pub(super) async fn play(turn: &Turn, request: &ModelRequest) -> Result<ModelStream, ModelError> {
    let mut beats = beats(turn, request).into_iter().peekable();
    let timeouts = request.route.timeouts;
    while let Some(beat) = beats.next_if(|beat| !matches!(beat, Beat::Emit(_))) {
        let header = Duration::from_millis(timeouts.header_ms);
        act(beat, (header, ModelErrorKind::Timeout)).await?;
    }
    let rest: Vec<Beat> = beats.collect();
    let idle = Duration::from_millis(timeouts.idle_ms);
    Ok(match events_only(rest) {
        Ok(events) => stream::iter(events.into_iter().map(Ok)).boxed(),
        Err(beats) => timed(beats, idle),
    })
}

/// The events, when there is nothing but events: then no timer is needed at all.
fn events_only(beats: Vec<Beat>) -> Result<Vec<ModelEvent>, Vec<Beat>> {
    if !beats.iter().all(|beat| matches!(beat, Beat::Emit(_))) {
        return Err(beats);
    }
    let event = |beat| match beat {
        Beat::Emit(event) => Some(event),
        _ => None,
    };
    Ok(beats.into_iter().filter_map(event).collect())
}

fn timed(beats: Vec<Beat>, idle: Duration) -> ModelStream {
    async_stream::stream! {
        for beat in beats {
            match act(beat, (idle, ModelErrorKind::Stalled)).await {
                Ok(None) => {}
                Ok(Some(event)) => yield Ok(event),
                Err(error) => {
                    yield Err(error);
                    return;
                }
            }
        }
    }
    .boxed()
}

/// Does one beat; `silence` is how long a hang lasts and what it ends in.
async fn act(
    beat: Beat,
    silence: (Duration, ModelErrorKind),
) -> Result<Option<ModelEvent>, ModelError> {
    match beat {
        Beat::Emit(event) => return Ok(Some(event)),
        Beat::Wait(time) => sleep(time).await,
        Beat::Fail(error) => return Err(error),
        Beat::Hang => {
            let (time, kind) = silence;
            sleep(time).await;
            return Err(ModelError::new(kind, "the scripted model is silent"));
        }
        Beat::Cut => {
            return Err(ModelError::new(
                ModelErrorKind::Cut,
                "the scripted model broke off",
            ));
        }
    }
    Ok(None)
}

fn beats(turn: &Turn, request: &ModelRequest) -> Vec<Beat> {
    let mut composer = Composer {
        request,
        beats: Vec::with_capacity(turn.len() + 2),
        deltas: 0,
        tool_calls: 0,
        reports_usage: true,
        finish: None,
    };
    for action in turn {
        composer.add(action);
    }
    composer.end()
}

struct Composer<'a> {
    request: &'a ModelRequest,
    beats: Vec<Beat>,
    deltas: u64,
    tool_calls: usize,
    reports_usage: bool,
    finish: Option<FinishReason>,
}

impl Composer<'_> {
    fn add(&mut self, action: &Action) {
        match action {
            Action::Text(text) => self.delta(ModelEvent::Text(filled(text, self.request))),
            Action::Reasoning(text) => {
                self.delta(ModelEvent::Reasoning(filled(text, self.request)));
            }
            Action::Words { text, every_ms } => {
                let text = filled(text, self.request);
                let words = text.split_inclusive(' ').map(str::to_owned);
                self.spaced(words, *every_ms);
            }
            Action::Count { to, every_ms } => {
                self.spaced((0..*to).map(|n| format!("w{n:02} ")), *every_ms);
            }
            Action::ToolCall {
                id,
                name,
                arguments,
            } => {
                let provider_id = id.clone();
                let index = self.tool_calls;
                self.tool_calls += 1;
                self.delta(ModelEvent::ToolCall {
                    provider_id: provider_id.unwrap_or_else(|| format!("call_{index}")),
                    name: name.clone(),
                    arguments: match arguments {
                        serde_json::Value::String(raw) => raw.clone(),
                        value => value.to_string(),
                    },
                });
            }
            Action::DelayMs(millis) => self.wait(*millis),
            Action::Error(error) => self.fail(error),
            Action::Usage(tokens) => {
                self.reports_usage = false;
                self.beats.extend(usage(*tokens));
            }
            Action::NoUsage => self.reports_usage = false,
            Action::Hang => self.beats.push(Beat::Hang),
            Action::Cut => self.beats.push(Beat::Cut),
            Action::Finish(reason) => self.finish = Some(*reason),
        }
    }

    fn delta(&mut self, event: ModelEvent) {
        self.deltas += 1;
        self.beats.push(Beat::Emit(event));
    }

    fn spaced(&mut self, deltas: impl Iterator<Item = String>, every_ms: u64) {
        for (index, text) in deltas.enumerate() {
            if index > 0 {
                self.wait(every_ms);
            }
            self.delta(ModelEvent::Text(text));
        }
    }

    fn wait(&mut self, millis: u64) {
        if millis > 0 {
            self.beats.push(Beat::Wait(Duration::from_millis(millis)));
        }
    }

    fn fail(&mut self, error: &ScriptedError) {
        let over = error
            .first_attempts
            .is_some_and(|first| self.request.attempt > first);
        if !over {
            self.beats.push(Beat::Fail(ModelError {
                kind: error.kind,
                message: error.message.clone(),
                retry_after: error.retry_after_ms.map(Duration::from_millis),
            }));
        }
    }

    fn end(mut self) -> Vec<Beat> {
        if self.reports_usage {
            let input = Usage::estimated(input_bytes(self.request), 0).tokens;
            self.beats.extend(usage(TokenBuckets {
                output_tokens: self.deltas,
                ..input
            }));
        }
        let usual = match self.tool_calls {
            0 => FinishReason::Stop,
            _ => FinishReason::ToolCalls,
        };
        self.beats.push(Beat::Emit(ModelEvent::Finished {
            reason: self.finish.unwrap_or(usual),
            provider: None,
        }));
        self.beats
    }
}

/// Usage as if a provider had counted it.
fn usage(tokens: TokenBuckets) -> Option<Beat> {
    Usage::reported(tokens).map(|usage| Beat::Emit(ModelEvent::Usage(usage)))
}

fn input_bytes(request: &ModelRequest) -> usize {
    let messages = request.messages.iter();
    request.prompt.len() + messages.map(|m| m.body.content().len()).sum::<usize>()
}

fn filled(text: &str, request: &ModelRequest) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    let last = |wanted: fn(&MessageBody) -> bool| {
        let mut bodies = request.messages.iter().rev().map(|message| &message.body);
        bodies
            .find(|body| wanted(body))
            .map_or_else(String::new, |body| quote(body.content()))
    };
    // The user's words go in last, so that a placeholder in them stays as it is.
    text.replace(
        "{last_tool}",
        &last(|body| matches!(body, MessageBody::Tool { .. })),
    )
    .replace(
        "{last_user}",
        &last(|body| matches!(body, MessageBody::User { .. })),
    )
}

fn quote(content: &str) -> String {
    let shown = text::prefix(content, QUOTE_MAX_BYTES);
    let dots = if shown.len() < content.len() {
        "…"
    } else {
        ""
    };
    format!("{shown}{dots}")
}
