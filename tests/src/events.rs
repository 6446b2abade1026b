use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::Value;

use crate::{Answer, soon};

/// One event of a run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Event {
    /// Its place.
    pub seq: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its public data.
    pub data: Value,
    /// When it was made.
    pub created_at: String,
}

impl Event {
    /// Whether nothing can follow.
    pub fn is_terminal(&self) -> bool {
        ["run.completed", "run.failed", "run.cancelled"].contains(&self.kind.as_str())
    }
}

/// The types of events, in their order.
pub fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

/// What the model has said: the text of all deltas that no retry has made void.
pub fn said(events: &[Event]) -> String {
    let mut deltas: Vec<&Event> = Vec::new();
    for event in events {
        if event.kind == "message.delta" {
            deltas.push(event);
        } else if let Some(void) = event.data["discard_from_seq"].as_u64() {
            deltas.retain(|delta| delta.seq < void);
        }
    }
    let texts = deltas
        .iter()
        .filter_map(|event| event.data["content"].as_str());
    texts.collect()
}

/// One block of an event stream, without the blank line that ends it.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// A line that begins with a colon.
    Comment(String),
    /// `retry:` in milliseconds.
    Retry(u64),
    /// `id:` and `data:`, and `event:` where asked for.
    Event {
        /// The event.
        event: Event,
        /// `event:`
        name: Option<String>,
        /// The block as it was received, the blank line included.
        raw: String,
    },
}

/// A run's event stream as it arrives.
#[derive(Debug)]
pub struct EventStream {
    response: reqwest::Response,
    received: String,
    partial: Vec<u8>,
    frames: VecDeque<Frame>,
}

impl EventStream {
    /// Opens a stream, which must be answered with 200.
    pub async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = soon("an event stream", request.send()).await;
        let response = response.expect("the server answers");
        if response.status() != 200 {
            let answer = Answer::read(response).await;
            panic!("{} instead of a stream: {}", answer.status, answer.body);
        }
        Self::of(response)
    }

    /// The same from a server that may be gone; `None` when it is, or has nothing more to send.
    pub async fn try_open(request: reqwest::RequestBuilder) -> Option<Self> {
        let response = request.send().await.ok()?;
        (response.status() == 200).then(|| Self::of(response))
    }

    fn of(response: reqwest::Response) -> Self {
        Self {
            response,
            received: String::new(),
            partial: Vec::new(),
            frames: VecDeque::new(),
        }
    }

    /// A response header, empty when it isn't there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.response.headers().get(name);
        value.map_or("", |value| value.to_str().expect("a header of ASCII"))
    }

    /// The next block of any kind; `None` at the stream's end.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.take(&chunk),
                Ok(None) => {
                    assert!(self.partial.is_empty(), "the stream ended inside a block");
                    return None;
                }
                // The server was killed: what had come whole counts, the rest doesn't.
                Err(_) => return None,
            }
        }
    }

    /// The next event; `None` at the stream's end.
    pub async fn next(&mut self) -> Option<Event> {
        soon("an event", async {
            loop {
                if let Frame::Event { event, .. } = self.frame().await? {
                    return Some(event);
                }
            }
        })
        .await
    }

    /// All events up to the first of this type, it included.
    pub async fn until(&mut self, kind: &str) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
            if events.last().is_some_and(|event| event.kind == kind) {
                return events;
            }
        }
        panic!("the stream ended without {kind}: {events:#?}");
    }

    /// All events up to the stream's end.
    pub async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// The blocks of all events up to the stream's end, byte for byte.
    pub async fn raw_rest(&mut self) -> String {
        let mut all = String::new();
        soon("the stream's end", async {
            while let Some(frame) = self.frame().await {
                if let Frame::Event { raw, .. } = frame {
                    all.push_str(&raw);
                }
            }
        })
        .await;
        all
    }

    /// Everything received so far in whole blocks, byte for byte.
    pub fn received(&self) -> &str {
        &self.received
    }

    fn take(&mut self, chunk: &[u8]) {
        self.partial.extend_from_slice(chunk);
        while let Some(end) = find(&self.partial, b"\n\n") {
            let rest = self.partial.split_off(end + 2);
            let block = std::mem::replace(&mut self.partial, rest);
            let raw = String::from_utf8(block).expect("event streams are UTF-8");
            self.received.push_str(&raw);
            self.frames.extend(parse(&raw));
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// The frames of one block. Comments and `retry:` may share a block with each other.
fn parse(raw: &str) -> Vec<Frame> {
    assert!(!raw.contains('\r'), "LF only: {raw:?}");
    let (mut frames, mut id, mut data, mut name) = (Vec::new(), None, None, None);
    for line in raw.trim_end_matches('\n').lines() {
        if let Some(text) = line.strip_prefix(':') {
            frames.push(Frame::Comment(text.trim().to_owned()));
        } else if let Some(text) = line.strip_prefix("retry: ") {
            frames.push(Frame::Retry(text.parse().expect("milliseconds")));
        } else if let Some(text) = line.strip_prefix("id: ") {
            id = Some(text.parse::<u64>().expect("a seq"));
        } else if let Some(text) = line.strip_prefix("event: ") {
            name = Some(text.to_owned());
        } else if let Some(text) = line.strip_prefix("data: ") {
            assert!(data.is_none(), "one data line: {raw:?}");
            data = Some(serde_json::from_str::<Event>(text).expect("an event"));
        } else {
            panic!("a line of no known kind: {line:?}");
        }
    }
    if let Some(event) = data {
        assert_eq!(id, Some(event.seq), "the id is the seq: {raw:?}");
        let raw = raw.to_owned();
        frames.push(Frame::Event { event, name, raw });
    }
    frames
}
