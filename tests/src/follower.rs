use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{Client, Event, EventStream, Frame, check_ended};

/// What a client has of a run.
#[derive(Debug)]
pub struct Followed {
    /// The run's id.
    pub run: String,
    /// The events' blocks in the order in which they came, byte for byte.
    pub raw: String,
    /// The same, read.
    pub events: Vec<Event>,
}

impl Followed {
    /// What [`check_effects`](crate::check_effects) wants of it.
    pub fn log(&self) -> (&str, &[Event]) {
        (&self.run, &self.events)
    }

    /// Checks that the run has completed, that the log is a proper one, and that what was seen
    /// is what is there.
    pub async fn check(&self, client: &Client) {
        check_ended(&self.events, "run.completed");
        let mut replay = client.events(&self.run, "?follow=0").await;
        let log = replay.raw_rest().await;
        assert_eq!(self.raw, log, "what was seen is what is there");
    }
}

/// Where servers are now, which changes when they are started again. A client that fails at one
/// goes to the next.
#[derive(Clone, Debug)]
pub struct Servers {
    clients: watch::Receiver<Vec<Client>>,
    next: usize,
}

impl Servers {
    /// The servers of a list that somebody keeps up to date, the one at `first` before others.
    pub fn new(clients: watch::Receiver<Vec<Client>>, first: usize) -> Self {
        Self {
            clients,
            next: first,
        }
    }

    /// The next server.
    pub fn client(&mut self) -> Client {
        let clients = self.clients.borrow_and_update();
        let client = clients[self.next % clients.len()].clone();
        self.next += 1;
        client
    }

    /// Waits for a change of the list, or a little when the servers are still there.
    async fn again(&mut self) {
        let _ = tokio::time::timeout(Duration::from_millis(20), self.clients.changed()).await;
    }

    /// Sends a request until it is answered with 2xx or 409, whatever happens to the servers.
    pub async fn insist(&mut self, path: &str, key: &str, body: &Value) -> Value {
        loop {
            let request = self.client().request(Method::POST, path).json(body);
            let answer = request.header("Idempotency-Key", key).send().await;
            if let Ok(answer) = answer
                && (answer.status().is_success() || answer.status() == 409)
                && let Ok(body) = answer.json().await
            {
                return body;
            }
            self.again().await;
        }
    }

    /// Follows a run to its end, across restarts. A tool whose outcome was lost is said to have
    /// taken effect.
    pub async fn follow(mut self, run: String) -> Followed {
        let mut followed = Followed {
            run: run.clone(),
            raw: String::new(),
            events: Vec::new(),
        };
        let path = format!("/v1/runs/{run}/events");
        loop {
            let last = followed.events.last().map_or(0, |event| event.seq);
            let request = self.client().request(Method::GET, &path);
            let request = request.header("Last-Event-ID", last.to_string());
            if let Some(mut stream) = EventStream::try_open(request).await {
                while let Some(frame) = stream.frame().await {
                    let Frame::Event { event, raw, .. } = frame else {
                        continue;
                    };
                    followed.raw.push_str(&raw);
                    followed.events.push(event.clone());
                    if event.is_terminal() {
                        return followed;
                    }
                    if event.kind == "run.waiting_for_input" {
                        tokio::spawn(settle(self.clone(), run.clone(), event));
                    }
                }
            }
            self.again().await;
        }
    }
}

/// Tells a run that lost the outcome of a tool that the tool took effect.
async fn settle(mut servers: Servers, run: String, waiting: Event) {
    let request = &waiting.data["requests"][0];
    assert_eq!(request["kind"], "tool_outcome_unknown");
    let answer = json!({ "content": "done", "request_id": request["request_id"] });
    let path = format!("/v1/runs/{run}/input");
    let key = format!("settle-{}", waiting.seq);
    servers.insist(&path, &key, &answer).await;
}
