//! Reading a run's events at one node after the other, and answering what it asks.

use super::Api;
use crate::torture::random::Random;
use crate::torture::seen::{Line, Request, Stream};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// A node that says nothing for so long is frozen: comments come every 15 s.
const SILENCE: Duration = Duration::from_secs(17);
const ANSWER: Duration = Duration::from_secs(8);

/// Somebody who follows a run.
pub(super) struct Follower {
    api: Api,
    run: String,
    random: Random,
    last_seq: u64,
    ended: bool,
    /// Whether it stops reading where the run asks somebody, to answer.
    follows: bool,
    /// Requests of the run that aren't answered for sure: their ids and kinds.
    open: Vec<(String, String)>,
}

impl Follower {
    pub(super) fn new(api: &Api, run: &str, seed: u64) -> Self {
        Self {
            api: api.clone(),
            run: run.to_owned(),
            random: Random::new(seed),
            last_seq: 0,
            ended: false,
            follows: false,
            open: Vec::new(),
        }
    }

    /// Reads until the run's end, and gives the run what it asks for.
    pub(super) async fn follow(&mut self) {
        self.follows = true;
        loop {
            let after = self.last_seq;
            let limit = if self.random.percent(30) {
                self.random.within(1..=40) as usize
            } else {
                usize::MAX
            };
            let stream = self.read(after, limit).await;
            let again = stream.lines.is_empty();
            self.note(stream);
            while let Some((request_id, kind)) = self.open.pop() {
                self.answer(&request_id, &kind).await;
            }
            if self.ended {
                return;
            }
            if again {
                self.pause().await;
            }
        }
    }

    /// Reads parts of the log, without answering anything.
    pub(super) async fn read_parts(mut self) {
        for _ in 0..self.random.within(1..=6) {
            tokio::time::sleep(Duration::from_millis(self.random.within(50..=3_000))).await;
            let after = self.random.within(0..=self.last_seq);
            let limit = self.random.within(1..=60) as usize;
            let known = self.last_seq;
            let stream = self.read(after, limit).await;
            self.last_seq = self.last_seq.max(known);
            self.note(stream);
        }
    }

    /// The whole log as this node tells it.
    pub(super) async fn replay(mut self, node: usize) -> Stream {
        let path = format!("/v1/runs/{}/events?follow=0", self.run);
        self.read_at(node, 0, &path, usize::MAX).await
    }

    /// Reads at most `limit` events behind `after` from some node; stops where people are asked.
    async fn read(&mut self, after: u64, limit: usize) -> Stream {
        let node = self.random.index(self.api.nodes());
        let path = format!("/v1/runs/{}/events?after_seq={after}", self.run);
        self.read_at(node, after, &path, limit).await
    }

    async fn read_at(&mut self, node: usize, after: u64, path: &str, limit: usize) -> Stream {
        let mut stream = Stream {
            client: self.api.client,
            node,
            run: self.run.clone(),
            after_seq: after,
            ..Stream::default()
        };
        let request = self.api.request(node, Method::GET, path).send();
        let Ok(Ok(response)) = tokio::time::timeout(ANSWER, request).await else {
            return stream;
        };
        stream.status = Some(response.status().as_u16());
        if response.status() == 200 {
            self.take_frames(response, &mut stream, limit).await;
        }
        stream
    }

    async fn take_frames(&mut self, mut response: Response, stream: &mut Stream, limit: usize) {
        let mut bytes = Vec::new();
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(SILENCE, response.chunk()).await {
            bytes.extend_from_slice(&chunk);
            while let Some(end) = bytes.windows(2).position(|two| two == b"\n\n") {
                let rest = bytes.split_off(end + 2);
                let frame = std::mem::replace(&mut bytes, rest);
                match parse(&frame) {
                    Frame::Other => continue,
                    Frame::Event { seq, data } => self.take(stream, seq, data),
                    Frame::Malformed => {
                        stream.malformed = Some(String::from_utf8_lossy(&frame).into_owned());
                        return;
                    }
                }
                let asked = self.follows && !self.open.is_empty();
                if stream.lines.len() >= limit || self.ended || asked {
                    return;
                }
            }
        }
    }

    fn take(&mut self, stream: &mut Stream, seq: u64, data: String) {
        self.last_seq = seq;
        // Deltas, which are most events, hold nothing to act on.
        if !data.contains("\"type\":\"message.delta\"") {
            let event: Value = serde_json::from_str(&data).unwrap_or_default();
            match event["type"].as_str().unwrap_or_default() {
                "run.completed" | "run.failed" | "run.cancelled" => self.ended = true,
                "run.waiting_for_input" => self.open = requests(&event["data"]),
                _ => {}
            }
        }
        stream.lines.push(Line {
            at_ms: self.api.notes.now_ms(),
            seq,
            data,
        });
    }

    fn note(&self, stream: Stream) {
        self.api.notes.with(|seen| seen.streams.push(stream));
    }

    /// Answers a request, now and then at two nodes at once and with two answers.
    async fn answer(&mut self, request_id: &str, kind: &str) {
        let two = self.random.percent(25);
        let mut other = Random::new(self.random.draw());
        let (first, second) = (content(kind, &mut other), content(kind, &mut other));
        let api = self.api.clone();
        let run = self.run.clone();
        let path = format!("/v1/runs/{run}/input");
        let body = |content: &str| json!({ "content": content, "request_id": request_id });
        let wanted = |content: String| Request::Input {
            run: run.clone(),
            request_id: request_id.to_owned(),
            content,
        };
        let (one_body, other_body) = (body(&first), body(&second));
        // A run waits for ever for an answer that never comes.
        let one = async {
            let (path, random) = (&path, &mut self.random);
            while api
                .insist(wanted(first.clone()), path, None, &one_body, random)
                .await
                .is_none()
            {}
        };
        let twin = async {
            if two {
                api.insist(wanted(second), &path, None, &other_body, &mut other)
                    .await;
            }
        };
        tokio::join!(one, twin);
    }

    async fn pause(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.random.within(100..=500))).await;
    }
}

fn requests(data: &Value) -> Vec<(String, String)> {
    let requests = data["requests"].as_array().into_iter().flatten();
    let text = |request: &Value, name: &str| request[name].as_str().map(str::to_owned);
    requests
        .filter_map(|request| Some((text(request, "request_id")?, text(request, "kind")?)))
        .collect()
}

/// What a person says to a request of this kind.
fn content(kind: &str, random: &mut Random) -> String {
    let all: &[&str] = match kind {
        "tool_approval" => &["approve", "approve", "approve", "reject"],
        "tool_outcome_unknown" => &["retry", "done", "failed"],
        _ => &["blue", "green"],
    };
    all[random.index(all.len())].to_owned()
}

enum Frame {
    Event {
        seq: u64,
        data: String,
    },
    /// A comment, or the time to wait before coming again.
    Other,
    Malformed,
}

fn parse(frame: &[u8]) -> Frame {
    let Ok(text) = std::str::from_utf8(frame) else {
        return Frame::Malformed;
    };
    let (mut id, mut data) = (None, None);
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(seq) = line.strip_prefix("id: ") {
            id = seq.parse().ok();
        } else if let Some(json) = line.strip_prefix("data: ") {
            data = Some(json.to_owned());
        } else if !line.starts_with(':') && !line.starts_with("retry: ") {
            return Frame::Malformed;
        }
    }
    match (id, data) {
        (Some(seq), Some(data)) => Frame::Event { seq, data },
        (None, None) => Frame::Other,
        _ => Frame::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart() {
        let event = parse(b"id: 7\ndata: {\"seq\":7}\n\n");
        assert!(matches!(event, Frame::Event { seq: 7, data } if data == "{\"seq\":7}"));
        assert!(matches!(parse(b"retry: 1873\n: open\n\n"), Frame::Other));
        assert!(matches!(parse(b"data: {}\n\n"), Frame::Malformed));
        assert!(matches!(parse(b"what: 7\n\n"), Frame::Malformed));
    }
}
