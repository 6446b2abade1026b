//! llmock, which plays faults in sequence.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::outcome::{Outcome, outcome};
use crate::program::{Program, variable};
use crate::request::{impatient, models};

struct Llmock(Program);

impl Llmock {
    async fn start() -> Self {
        let program = Program::start(|port| {
            let mut command = Command::new(variable("RUNLOOM_TEST_LLMOCK"));
            command
                .args(["serve", "-h", "127.0.0.1", "-p", &port.to_string()])
                .args(["--log-level", "warning"]);
            command
        });
        Self(program.await)
    }

    async fn behaving(&self, behavior: Value) -> Outcome {
        let url = &self.0.url;
        let models = models(&format!("{url}/v1"));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let reset = http.post(format!("{url}/_llmock/reset")).send().await;
        reset.unwrap().error_for_status().unwrap();
        let scenario = json!({"behaviors": [behavior]}).to_string();
        let set = http
            .post(format!("{url}/_llmock/scenario"))
            .header("content-type", "application/json")
            .body(scenario)
            .send()
            .await;
        set.unwrap().error_for_status().unwrap();
        outcome(&models, impatient(Duration::from_secs(2))).await
    }
}

fn ends_with(result: &Outcome, end: &str) {
    assert!(result.line().ends_with(end), "{}, not {end}", result.line());
}

#[tokio::test]
async fn llmock_is_survived() {
    let llmock = Llmock::start().await;
    let limit = json!({"type": "fail", "status": 429, "retry_after": 2});
    let limited = llmock.behaving(limit).await.error.unwrap();
    assert_eq!(limited.kind.class(), "provider.rate_limited");
    assert_eq!(limited.retry_after, Some(Duration::from_secs(2)));
    for (status, class) in [
        (400, "provider.bad_request"),
        (401, "provider.unauthorized"),
        (500, "provider.unavailable"),
        (529, "provider.unavailable"),
    ] {
        let result = llmock
            .behaving(json!({"type": "fail", "status": status}))
            .await;
        assert_eq!(result.line(), format!("error {class}"));
    }
    for (kind, class) in [
        ("disconnect", "provider.stream_cut"),
        ("truncate", "provider.stream_cut"),
        ("malformed", "provider.malformed"),
        ("stall", "provider.stalled"),
    ] {
        let fault = json!({"type": "stream_fault", "kind": kind, "after_chunks": 2});
        ends_with(&llmock.behaving(fault).await, &format!("error {class}"));
    }
}

#[tokio::test]
async fn llmock_is_understood() {
    let llmock = Llmock::start().await;
    let reply = llmock
        .behaving(json!({"type": "reply", "text": "Hello there."}))
        .await;
    assert!(
        reply.line().starts_with("\"Hello there.\""),
        "{}",
        reply.line()
    );
    ends_with(&reply, "Stop");
}
