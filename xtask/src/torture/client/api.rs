//! Requests, each written down with its outcome.

use super::Follower;
use crate::torture::random::Random;
use crate::torture::seen::{Goal, Notes, Operation, Outcome, Request, Stream};
use anyhow::{Context as _, Result};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A frozen node takes connections and never answers.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(12);
/// How long a client tries to get what it wants.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 100..=600;

/// How a client reaches the nodes.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) client: usize,
    http: reqwest::Client,
    addresses: Arc<[String]>,
    key: Arc<str>,
    pub(crate) notes: Arc<Notes>,
}

impl Api {
    pub(crate) fn new(
        client: usize,
        addresses: &[String],
        key: &str,
        notes: Arc<Notes>,
    ) -> Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .no_proxy()
            .build()
            .context("can't make an HTTP client")?;
        Ok(Self {
            client,
            http,
            addresses: addresses.into(),
            key: key.into(),
            notes,
        })
    }

    pub(crate) fn nodes(&self) -> usize {
        self.addresses.len()
    }

    pub(crate) fn request(
        &self,
        node: usize,
        method: Method,
        path: &str,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.addresses[node]);
        self.http.request(method, url).bearer_auth(&self.key)
    }

    /// Posts until there is an answer that settles it, at one node after the other. `None` when
    /// patience ends first.
    pub(crate) async fn insist(
        &self,
        wanted: Request,
        path: &str,
        key: Option<&str>,
        body: &Value,
        random: &mut Random,
    ) -> Option<Outcome> {
        let (began, began_ms) = (Instant::now(), self.notes.now_ms());
        let mut node = random.index(self.nodes());
        let outcome = loop {
            let mut request = self.request(node, Method::POST, path).json(body);
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            let outcome = self.ask(node, wanted.clone(), request).await;
            if is_settled(&outcome) {
                break Some(outcome);
            }
            if began.elapsed() > PATIENCE {
                break None;
            }
            let pause = Duration::from_millis(random.within(PAUSE_MS));
            tokio::time::sleep(pause).await;
            node = (node + 1) % self.nodes();
        };
        self.note_goal(began_ms, outcome.is_some());
        outcome
    }

    /// Reads something, at one node after the other.
    pub(crate) async fn look(&self, wanted: Request, path: &str, random: &mut Random) {
        let (began, began_ms) = (Instant::now(), self.notes.now_ms());
        let mut node = random.index(self.nodes());
        loop {
            let request = self.request(node, Method::GET, path);
            let outcome = self.ask(node, wanted.clone(), request).await;
            let settled = is_settled(&outcome);
            if settled || began.elapsed() > PATIENCE {
                return self.note_goal(began_ms, settled);
            }
            tokio::time::sleep(Duration::from_millis(random.within(PAUSE_MS))).await;
            node = (node + 1) % self.nodes();
        }
    }

    /// A run's whole log as a node tells it.
    pub(crate) async fn replay(&self, node: usize, run: &str) -> Stream {
        Follower::new(self, run, 0).replay(node).await
    }

    /// Asks for a run's end.
    pub(crate) async fn cancel(&self, run: &str, random: &mut Random) {
        let wanted = Request::Cancel {
            run: run.to_owned(),
        };
        let path = format!("/v1/runs/{run}:cancel");
        self.insist(wanted, &path, None, &json!({}), random).await;
    }

    /// Sends one request and writes down what became of it.
    async fn ask(&self, node: usize, wanted: Request, request: reqwest::RequestBuilder) -> Outcome {
        let began_ms = self.notes.now_ms();
        let answer = async {
            let response = request.send().await.map_err(|error| describe(&error))?;
            read(response).await.map_err(|error| describe(&error))
        };
        let outcome = match tokio::time::timeout(ANSWER, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(why)) => Outcome::Lost { why },
            Err(_) => Outcome::Lost {
                why: "no answer".to_owned(),
            },
        };
        let operation = Operation {
            client: self.client,
            node,
            began_ms,
            ended_ms: self.notes.now_ms(),
            request: wanted,
            outcome: outcome.clone(),
        };
        self.notes.with(|seen| seen.operations.push(operation));
        outcome
    }

    fn note_goal(&self, began_ms: u64, reached: bool) {
        let goal = Goal { began_ms, reached };
        self.notes.with(|seen| seen.goals.push(goal));
    }
}

/// Whether the answer holds, so that nobody has to ask again.
fn is_settled(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Answered { status, code, .. } => {
            let under_way = code.as_deref() == Some("idempotency.in_progress");
            *status < 500 && ![408, 429].contains(status) && !under_way
        }
        Outcome::Lost { .. } => false,
    }
}

async fn read(response: Response) -> Result<Outcome, reqwest::Error> {
    let status = response.status().as_u16();
    let trace = response.headers().get("x-trace-id");
    let trace = trace.and_then(|it| it.to_str().ok()).map(str::to_owned);
    let body = response.bytes().await?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    Ok(Outcome::Answered {
        status,
        code: text("code"),
        id: text("run_id").or_else(|| text("id")),
        trace,
    })
}

/// The error with its causes, without the address.
fn describe(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    if text.is_empty() {
        error.to_string()
    } else {
        text
    }
}
