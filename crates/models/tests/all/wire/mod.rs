//! Bytes that providers send.

mod anthropic;
pub(crate) mod chat;
mod gemini;
mod ollama;
mod responses;

use serde_json::{Value, json};

use crate::mock::Step;

/// The formats.
pub(crate) const WIRES: [&dyn Wire; 5] = [
    &chat::Chat,
    &responses::Responses,
    &anthropic::Anthropic,
    &gemini::Gemini,
    &ollama::Ollama,
];

/// A kind of each format.
pub(crate) fn kinds() -> [&'static str; 5] {
    WIRES.map(Wire::kind)
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Stop,
    Length,
    ToolCalls,
}

/// What a provider of one format sends.
pub(crate) trait Wire: Sync {
    /// The kind of a route to it.
    fn kind(&self) -> &'static str;

    /// Where a request for the model `m` goes.
    fn path(&self) -> &'static str;

    /// Whether its events are lines of JSON, not server-sent events.
    fn is_lines(&self) -> bool {
        false
    }

    /// The beginning of an answer.
    fn begin(&self) -> String;

    /// A piece of text.
    fn text(&self, text: &str) -> String;

    /// A piece of reasoning.
    fn thought(&self, text: &str) -> String;

    /// A whole call.
    fn call(&self, at: u32, id: &str, name: &str, arguments: &Value) -> String;

    /// The first half of a call, where calls come in pieces.
    fn half_call(&self) -> Option<String>;

    /// The reason to stop alone, where that isn't the very end.
    fn reason(&self, ending: Ending) -> Option<String>;

    /// The end of an answer, with its counts.
    fn end(&self, ending: Ending, input: &Value, output: &Value) -> String;

    /// An error in the middle of a stream.
    fn error(&self, name: &str) -> String;

    /// The head of a streamed answer.
    fn head(&self) -> Step {
        let media_type = if self.is_lines() {
            "application/x-ndjson"
        } else {
            "text/event-stream; charset=utf-8"
        };
        send(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        ))
    }

    /// A stream of these events that ends in good order.
    fn stream(&self, events: &[String]) -> Vec<Step> {
        let mut steps = vec![self.head()];
        steps.extend(events.iter().map(piece));
        steps.push(last_piece());
        steps
    }

    /// A good end, with five tokens in and two out.
    fn good_end(&self, ending: Ending) -> String {
        self.end(ending, &json!(5), &json!(2))
    }

    /// A whole answer.
    fn answer(&self, text: &str) -> Vec<Step> {
        self.stream(&[self.begin(), self.text(text), self.good_end(Ending::Stop)])
    }
}

/// A server-sent event that repeats its type as its name.
fn named(data: &Value) -> String {
    format!(
        "event: {}\ndata: {data}\n\n",
        data["type"].as_str().unwrap()
    )
}

/// A whole answer other than a stream.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
    vec![send(head + body)]
}

/// Bytes as they are.
pub(crate) fn send(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Send(bytes.into())
}

/// One piece of a chunked body.
pub(crate) fn piece(bytes: impl AsRef<[u8]>) -> Step {
    let bytes = bytes.as_ref();
    let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(b"\r\n");
    Step::Send(framed)
}

/// The end of a chunked body.
pub(crate) fn last_piece() -> Step {
    send("0\r\n\r\n")
}
