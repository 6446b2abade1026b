//! aimock, a scripted server of several providers' formats.

use std::io::Write as _;
use std::time::Duration;

use runloom_domain::{MessageBody, ToolCallId, ToolCallRequest};
use serde_json::json;
use tempfile::NamedTempFile;
use tokio::process::Command;
use uuid::Uuid;

use crate::outcome::{Outcome, outcome};
use crate::program::{Program, variable};
use crate::request::{message, models, request};

struct Aimock {
    program: Program,
    _fixtures: NamedTempFile,
}

impl Aimock {
    async fn start() -> Self {
        let mut fixtures = NamedTempFile::with_suffix(".json").unwrap();
        fixtures.write_all(fixtures_json().as_bytes()).unwrap();
        let path = fixtures.path().to_owned();
        let program = Program::start(|port| {
            let mut command = Command::new("node");
            command
                .arg(variable("RUNLOOM_TEST_AIMOCK"))
                .args([
                    "-p",
                    &port.to_string(),
                    "--strict",
                    "--log-level",
                    "warn",
                    "-f",
                ])
                .arg(path);
            command
        });
        Self {
            program: program.await,
            _fixtures: fixtures,
        }
    }

    async fn asked(&self, user: &str) -> Outcome {
        let models = models(&format!("{}/v1", self.program.url));
        outcome(&models, request(user)).await
    }
}

fn fixtures_json() -> String {
    let usage = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18});
    let call = json!({"id": "call_w1", "name": "get_weather", "arguments": {"city": "Paris"}});
    let error = |kind: &str| json!({"message": "no", "type": kind});
    json!({"fixtures": [
        {"match": {"userMessage": "weather", "hasToolResult": false},
            "response": {"toolCalls": [call], "usage": usage}},
        {"match": {"userMessage": "weather", "hasToolResult": true},
            "response": {"content": "It is sunny in Paris."}},
        {"match": {"userMessage": "limit"},
            "response": {"error": error("rate_limit_error"), "status": 429}},
        {"match": {"userMessage": "boom"},
            "response": {"error": error("server_error"), "status": 500}},
        {"match": {"userMessage": "cut"}, "response": {"content": "a text to be cut in two"},
            "truncateAfterChunks": 3, "latency": 60, "chunkSize": 10},
        {"match": {"userMessage": "garbage"}, "response": {"content": "x"},
            "chaos": {"malformedRate": 1.0}},
        {"match": {"userMessage": "think"},
            "response": {"reasoning": "let me think", "content": "forty two"}},
    ]})
    .to_string()
}

#[tokio::test]
async fn aimock_is_understood() {
    let aimock = Aimock::start().await;
    let call = "call_w1:get_weather({\"city\":\"Paris\"})";
    let result = aimock.asked("the weather, please").await;
    assert_eq!(result.line(), format!("11+0+0>7 {call} ToolCalls"));
    let result = aimock.asked("think").await;
    assert!(
        result.line().starts_with("/let me think/ \"forty two\""),
        "{}",
        result.line()
    );
    let limited = aimock.asked("limit").await;
    assert_eq!(limited.line(), "error provider.rate_limited");
    let wish = limited.error.unwrap().retry_after;
    assert_eq!(wish, Some(Duration::from_secs(1)));
    assert_eq!(
        aimock.asked("boom").await.line(),
        "error provider.unavailable"
    );
    let cut = aimock.asked("cut").await.line();
    assert!(
        cut.starts_with('"') && cut.ends_with("error provider.stream_cut"),
        "{cut}"
    );
    assert_eq!(
        aimock.asked("garbage").await.line(),
        "error provider.malformed"
    );
    // With `--strict`, a message that no fixture matches.
    assert_eq!(
        aimock.asked("else").await.line(),
        "error provider.unavailable"
    );
}

#[tokio::test]
async fn aimock_sees_the_tool_result() {
    let aimock = Aimock::start().await;
    let mut request = request("the weather, please");
    let tool_call_id = ToolCallId::from_uuid(Uuid::from_u128(1));
    let called = MessageBody::Assistant {
        content: String::new(),
        tool_calls: vec![ToolCallRequest {
            tool_call_id,
            tool_name: "get_weather".into(),
            arguments: json!({"city": "Paris"}),
        }],
        provider: None,
    };
    let result = MessageBody::Tool {
        tool_call_id,
        tool_name: "get_weather".into(),
        content: "sunny".into(),
    };
    request
        .messages
        .extend([message(2, called), message(3, result)]);
    let models = models(&format!("{}/v1", aimock.program.url));
    let line = outcome(&models, request).await.line();
    assert!(line.starts_with("\"It is sunny in Paris.\""), "{line}");
}
