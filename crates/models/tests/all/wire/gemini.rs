//! Google's Gemini format.

use serde_json::{Value, json};

use super::{Ending, Wire};

pub(crate) struct Gemini;

fn chunk(parts: &Value) -> String {
    let content = json!({"parts": parts, "role": "model"});
    let candidates = json!([{"content": content, "index": 0}]);
    let usage = json!({"promptTokenCount": 5, "totalTokenCount": 5});
    event(&json!({"candidates": candidates, "usageMetadata": usage, "modelVersion": "m"}))
}

fn event(data: &Value) -> String {
    format!("data: {data}\r\n\r\n")
}

impl Wire for Gemini {
    fn kind(&self) -> &'static str {
        "gemini"
    }

    fn path(&self) -> &'static str {
        "/v1/models/m:streamGenerateContent?alt=sse"
    }

    fn begin(&self) -> String {
        self.text("")
    }

    fn text(&self, text: &str) -> String {
        chunk(&json!([{"text": text}]))
    }

    fn thought(&self, text: &str) -> String {
        chunk(&json!([{"text": text, "thought": true}]))
    }

    fn call(&self, _: u32, id: &str, name: &str, arguments: &Value) -> String {
        chunk(&json!([{"functionCall": {"id": id, "name": name, "args": arguments}}]))
    }

    fn half_call(&self) -> Option<String> {
        None
    }

    fn reason(&self, ending: Ending) -> Option<String> {
        let reason = match ending {
            Ending::Stop | Ending::ToolCalls => "STOP",
            Ending::Length => "MAX_TOKENS",
        };
        Some(event(
            &json!({"candidates": [{"finishReason": reason, "index": 0}]}),
        ))
    }

    fn end(&self, ending: Ending, input: &Value, output: &Value) -> String {
        let usage = json!({"promptTokenCount": input, "candidatesTokenCount": output});
        self.reason(ending).unwrap() + &event(&json!({"candidates": [], "usageMetadata": usage}))
    }

    fn error(&self, name: &str) -> String {
        let code = match name {
            "rate_limit_error" => 429,
            _ => 503,
        };
        event(&json!({"error": {"code": code, "message": "SECRET", "status": "X"}}))
    }
}
