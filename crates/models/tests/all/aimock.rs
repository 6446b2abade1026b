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
use crate::request::{message, models, request_of};
use crate::wire::kinds;

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

    /// The base URL of a kind.
    fn base(&self, kind: &str) -> String {
        let path = match kind {
            "gemini" => "/v1beta",
            "ollama" => "",
            _ => "/v1",
        };
        format!("{}{path}", self.program.url)
    }

    async fn asked(&self, kind: &str, user: &str) -> Outcome {
        outcome(&models(&self.base(kind)), request_of(kind, user)).await
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
    for kind in kinds() {
        let line = async |user| aimock.asked(kind, user).await.line();
        let call = line("the weather, please").await;
        let has_call = call.contains("get_weather({\"city\":\"Paris\"})");
        assert!(has_call && call.ends_with(" ToolCalls"), "{kind}: {call}");
        let thought = line("think").await;
        // In Ollama's format it shows no thoughts.
        let begins = match kind {
            "ollama" => thought.starts_with("\"forty two\""),
            _ => thought.starts_with("/let me think/ \"forty two\""),
        };
        assert!(begins && thought.ends_with(" Stop"), "{kind}: {thought}");
        assert_eq!(line("boom").await, "error provider.unavailable", "{kind}");
        let cut = line("cut").await;
        assert!(cut.ends_with("error provider.stream_cut"), "{kind}: {cut}");
        assert_eq!(line("garbage").await, "error provider.malformed", "{kind}");
        // With `--strict`, a message that no fixture matches.
        assert_eq!(line("else").await, "error provider.unavailable", "{kind}");
    }
}

#[tokio::test]
async fn aimock_s_figures_and_wishes_are_read() {
    let aimock = Aimock::start().await;
    for kind in kinds() {
        let counted = aimock.asked(kind, "the weather, please").await.line();
        // In Ollama's format it counts nothing, whatever its fixture says.
        let wanted = kind != "ollama";
        assert_eq!(
            counted.starts_with("11+0+0>7 "),
            wanted,
            "{kind}: {counted}"
        );
        let limited = aimock.asked(kind, "limit").await;
        assert_eq!(limited.line(), "error provider.rate_limited", "{kind}");
        let wish = limited.error.unwrap().retry_after;
        assert_eq!(wish, Some(Duration::from_secs(1)), "{kind}");
    }
}

#[tokio::test]
async fn aimock_sees_the_tool_result() {
    let aimock = Aimock::start().await;
    for kind in kinds() {
        let mut request = request_of(kind, "the weather, please");
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
        let line = outcome(&models(&aimock.base(kind)), request).await.line();
        assert!(
            line.starts_with("\"It is sunny in Paris.\""),
            "{kind}: {line}"
        );
    }
}
