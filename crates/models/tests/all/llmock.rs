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

    async fn behaving(&self, kind: &str, behavior: Value) -> Outcome {
        let url = &self.0.url;
        let base = match kind {
            "anthropic" => format!("{url}/anthropic/v1"),
            _ => format!("{url}/v1"),
        };
        // Installs the TLS provider, without which no client can be built.
        let models = models(&base);
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
        let mut request = impatient(Duration::from_secs(2));
        kind.clone_into(&mut request.route.kind);
        outcome(&models, request).await
    }
}

fn ends_with(result: &Outcome, end: &str) {
    assert!(result.line().ends_with(end), "{}, not {end}", result.line());
}

/// The formats that it has.
const KINDS: [&str; 3] = ["openai_chat", "openai_responses", "anthropic"];

#[tokio::test]
async fn llmock_is_survived() {
    let llmock = Llmock::start().await;
    for kind in KINDS {
        let limit = json!({"type": "fail", "status": 429, "retry_after": 2});
        let limited = llmock.behaving(kind, limit).await.error.unwrap();
        assert_eq!(limited.kind.class(), "provider.rate_limited", "{kind}");
        assert_eq!(limited.retry_after, Some(Duration::from_secs(2)), "{kind}");
        for (status, class) in [
            (400, "provider.bad_request"),
            (401, "provider.unauthorized"),
            (500, "provider.unavailable"),
            (529, "provider.unavailable"),
        ] {
            let fail = json!({"type": "fail", "status": status});
            let result = llmock.behaving(kind, fail).await;
            assert_eq!(result.line(), format!("error {class}"), "{kind}");
        }
        for (fault, class) in [
            ("disconnect", "provider.stream_cut"),
            ("truncate", "provider.stream_cut"),
            ("malformed", "provider.malformed"),
            ("stall", "provider.stalled"),
        ] {
            let behavior = json!({"type": "stream_fault", "kind": fault, "after_chunks": 2});
            let result = llmock.behaving(kind, behavior).await;
            ends_with(&result, &format!("error {class}"));
        }
    }
}

#[tokio::test]
async fn llmock_is_understood() {
    let llmock = Llmock::start().await;
    for kind in KINDS {
        let reply = json!({"type": "reply", "text": "Hello there."});
        let reply = llmock.behaving(kind, reply).await;
        assert!(
            reply.line().starts_with("\"Hello there.\""),
            "{kind}: {}",
            reply.line()
        );
        ends_with(&reply, "Stop");
    }
}
