//! What came of a model call, in one line that a table can hold.

use futures_util::StreamExt;
use runloom_engine::port::model::{ModelError, ModelEvent, ModelPort, ModelRequest};

use crate::request::CANARY;

/// Everything a call yielded.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<ModelEvent>,
    pub(crate) error: Option<ModelError>,
}

/// Makes the call and reads it to its end. Checks on the way what holds for every call.
pub(crate) async fn outcome(model: &impl ModelPort, request: ModelRequest) -> Outcome {
    let mut outcome = Outcome::default();
    match model.call(request).await {
        Err(error) => outcome.error = Some(error),
        Ok(mut stream) => {
            while let Some(event) = stream.next().await {
                assert!(outcome.error.is_none(), "an error is the last thing");
                match event {
                    Ok(event) => outcome.events.push(event),
                    Err(error) => outcome.error = Some(error),
                }
            }
        }
    }
    outcome.check();
    outcome
}

impl Outcome {
    fn check(&self) {
        let ends = self
            .events
            .iter()
            .filter(|event| matches!(event, ModelEvent::Finished { .. }));
        let ends = ends.count() + usize::from(self.error.is_some());
        assert_eq!(ends, 1, "one end: {self:?}");
        if let Some(error) = &self.error {
            assert!(error.message.len() <= 500, "{error:?}");
            assert!(!error.message.contains(CANARY), "{error:?}");
            let payload = error.message.contains('{') || error.message.contains("SECRET");
            assert!(!payload, "raw payload: {error:?}");
        }
    }

    /// Text in quotes, reasoning in slashes, calls as `name(arguments)`, usage as
    /// uncached+read+written>output, then the reason to stop or the class of the error.
    pub(crate) fn line(&self) -> String {
        let mut parts = joined(&self.events);
        if let Some(error) = &self.error {
            parts.push(format!("error {}", error.kind.class()));
        }
        parts.join(" ")
    }
}

/// Adjacent texts are joined: where the provider cut them doesn't matter.
fn joined(events: &[ModelEvent]) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut open: Option<(char, String)> = None;
    for event in events {
        let piece = match event {
            ModelEvent::Text(text) => Some(('"', text)),
            ModelEvent::Reasoning(text) => Some(('/', text)),
            _ => None,
        };
        match (&mut open, piece) {
            (Some((own, whole)), Some((mark, text))) if *own == mark => whole.push_str(text),
            (_, piece) => {
                parts.extend(open.take().map(|(mark, text)| quoted(mark, &text)));
                open = piece.map(|(mark, text)| (mark, text.clone()));
            }
        }
        if piece.is_none() {
            parts.push(other(event));
        }
    }
    parts.extend(open.map(|(mark, text)| quoted(mark, &text)));
    parts
}

/// Long texts are told by their length.
pub(crate) fn quoted(mark: char, text: &str) -> String {
    if text.len() > 60 {
        return format!("{mark}{} bytes{mark}", text.len());
    }
    format!("{mark}{text}{mark}")
}

fn other(event: &ModelEvent) -> String {
    match event {
        ModelEvent::ToolCall {
            provider_id,
            name,
            arguments,
        } => format!("{provider_id}:{name}({arguments})"),
        ModelEvent::Usage(usage) => {
            let t = usage.tokens;
            format!(
                "{}+{}+{}>{}",
                t.uncached_input_tokens, t.cache_read_tokens, t.cache_write_tokens, t.output_tokens
            )
        }
        ModelEvent::Cost(cost) => format!("${}", cost.as_dollars()),
        ModelEvent::Finished { reason, .. } => format!("{reason:?}"),
        ModelEvent::Text(_) | ModelEvent::Reasoning(_) => unreachable!("joined before"),
    }
}
