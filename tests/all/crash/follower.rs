//! A client that makes a run and follows it across restarts.

use std::time::Duration;

use reqwest::Method;
use runloom_tests::{Client, Event, EventStream, Frame};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What a client has of a run.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) run: String,
    /// The events' blocks in the order in which they came, byte for byte.
    pub(super) raw: String,
    pub(super) events: Vec<Event>,
}

/// Where the server is now; it moves with each restart.
#[derive(Clone, Debug)]
pub(super) struct Server(pub(super) watch::Receiver<Client>);

impl Server {
    fn client(&mut self) -> Client {
        self.0.borrow_and_update().clone()
    }

    /// Waits for a restart, or a little when the server is still there.
    async fn again(&mut self) {
        let _ = tokio::time::timeout(Duration::from_millis(20), self.0.changed()).await;
    }

    /// Sends a request until it is answered with 2xx or 409, whatever happens to the server.
    async fn insist(&mut self, path: &str, key: &str, body: &Value) -> Value {
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
}

/// Makes a run, once, and follows it to its end.
pub(super) async fn make_and_follow(
    mut server: Server,
    thread: String,
    key: String,
    created: watch::Sender<Vec<String>>,
) -> Followed {
    let path = format!("/v1/threads/{thread}/runs");
    let body = json!({ "on_busy": "enqueue", "input": "go" });
    let answer = server.insist(&path, &key, &body).await;
    let run = answer["run_id"].as_str().expect("a run_id").to_owned();
    created.send_modify(|runs| runs.push(run.clone()));
    follow(server, run).await
}

async fn follow(mut server: Server, run: String) -> Followed {
    let mut followed = Followed {
        run: run.clone(),
        raw: String::new(),
        events: Vec::new(),
    };
    let path = format!("/v1/runs/{run}/events");
    loop {
        let last = followed.events.last().map_or(0, |event| event.seq);
        let request = server.client().request(Method::GET, &path);
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
                    tokio::spawn(settle(server.clone(), run.clone(), event));
                }
            }
        }
        server.again().await;
    }
}

/// Tells a run that lost the outcome of a tool that the tool took effect.
async fn settle(mut server: Server, run: String, waiting: Event) {
    let request = &waiting.data["requests"][0];
    assert_eq!(request["kind"], "tool_outcome_unknown");
    let answer = json!({ "content": "done", "request_id": request["request_id"] });
    let path = format!("/v1/runs/{run}/input");
    server.insist(&path, "settle", &answer).await;
}
