use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::{Event, EventStream, soon};

/// Somebody who calls the API.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A client with a bearer token.
    pub fn new(base: &str, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..Self::anonymous(base)
        }
    }

    /// A client without any.
    pub fn anonymous(base: &str) -> Self {
        let http = http();
        Self {
            http,
            base: base.to_owned(),
            token: None,
        }
    }

    /// The same client for a server that was started again elsewhere.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// The same server with another bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Somebody else: registers a person with an organisation of their own.
    pub async fn stranger(&self, login: &str) -> Self {
        let answer = Self::anonymous(&self.base)
            .post(
                "/v1/auth/register",
                &json!({
                    "login": login,
                    "email": format!("{login}@example.com"),
                    "password": "a long enough passphrase",
                }),
            )
            .await
            .expect(201);
        let token = answer["access_token"].as_str().expect("a token");
        Self::new(&self.base, token)
    }

    /// A request to be completed; `path` begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        soon("an answer", async {
            let response = request.send().await.expect("the server answers");
            Answer::read(response).await
        })
        .await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// POST without a body or a content type.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// POST with an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).json(body);
        self.send(request.header("Idempotency-Key", key)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body))
            .await
    }

    /// Makes a thread and returns its id.
    pub async fn thread(&self) -> String {
        let thread = self.post("/v1/threads", &json!({})).await.expect(201);
        thread["id"].as_str().expect("an id").to_owned()
    }

    /// Starts a run in a thread and returns its id.
    pub async fn run_in(&self, thread: &str, body: &Value) -> String {
        let path = format!("/v1/threads/{thread}/runs");
        let run = self.post(&path, body).await.expect(201);
        run["run_id"].as_str().expect("a run_id").to_owned()
    }

    /// Starts a run in a thread of its own and returns its id.
    pub async fn run(&self, body: &Value) -> String {
        self.run_in(&self.thread().await, body).await
    }

    /// Opens a run's events; `query` is empty or begins with `?`.
    pub async fn events(&self, run: &str, query: &str) -> EventStream {
        let path = format!("/v1/runs/{run}/events{query}");
        EventStream::open(self.request(Method::GET, &path)).await
    }

    /// Follows a run to its end and returns all its events.
    pub async fn follow(&self, run: &str) -> Vec<Event> {
        self.events(run, "").await.rest().await
    }

    /// The events that a run has now.
    pub async fn log(&self, run: &str) -> Vec<Event> {
        self.events(run, "?follow=0").await.rest().await
    }

    /// Asks for a run's end.
    pub async fn cancel(&self, run: &str) -> Answer {
        self.post_nothing(&format!("/v1/runs/{run}:cancel")).await
    }

    /// Answers a run's question.
    pub async fn input(&self, run: &str, body: &Value) -> Answer {
        self.post(&format!("/v1/runs/{run}/input"), body).await
    }

    /// A run, with all that it may include.
    pub async fn run_object(&self, run: &str) -> Value {
        let path = format!("/v1/runs/{run}?include=metadata,requests,totals,error");
        self.get(&path).await.expect(200)
    }

    /// A run's status.
    pub async fn status(&self, run: &str) -> String {
        let run = self.get(&format!("/v1/runs/{run}")).await.expect(200);
        run["status"].as_str().expect("a status").to_owned()
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Reads a response to its end.
    pub async fn read(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.expect("a whole UTF-8 body"),
        }
    }

    /// A header's value, empty when it isn't there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a header of ASCII"))
    }

    /// The body as JSON, `null` when it is empty.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the body {:?}", self.body))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.json()
    }

    /// Checks that this is a failure with the error envelope, and returns the envelope.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Value {
        let trace = self.header("x-trace-id").to_owned();
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["trace_id"], trace, "{body}");
        assert_eq!(trace.len(), 32, "{body}");
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{body}"
        );
        let known = ["code", "message", "trace_id", "details"];
        let fields = body.as_object().expect("an object");
        assert!(
            fields.keys().all(|field| known.contains(&field.as_str())),
            "{body}"
        );
        body
    }
}

/// A client that goes straight to this machine. Beside the server's crates this one has TLS too,
/// and then it needs a provider; only the first installation counts.
///
/// The pool may hold a connection that it opened and then didn't need. After five seconds without
/// a request the server says 408 on such a one, which a request that is just being sent there
/// would take for its own answer. So none is kept that long.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .pool_idle_timeout(Duration::from_secs(2))
        .build()
        .expect("a client")
}
