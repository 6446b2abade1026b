//! Ollama's format.

use serde_json::{Value, json};

use super::{Ending, Wire};

pub(crate) struct Ollama;

fn line(message: &Value) -> String {
    let data = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message,
        "done": false});
    format!("{data}\n")
}

impl Wire for Ollama {
    fn kind(&self) -> &'static str {
        "ollama"
    }

    fn path(&self) -> &'static str {
        "/v1/api/chat"
    }

    fn is_lines(&self) -> bool {
        true
    }

    fn begin(&self) -> String {
        line(&json!({"role": "assistant", "content": ""}))
    }

    fn text(&self, text: &str) -> String {
        line(&json!({"role": "assistant", "content": text}))
    }

    fn thought(&self, text: &str) -> String {
        line(&json!({"role": "assistant", "content": "", "thinking": text}))
    }

    fn call(&self, _: u32, id: &str, name: &str, arguments: &Value) -> String {
        let call = json!({"id": id, "function": {"name": name, "arguments": arguments}});
        line(&json!({"role": "assistant", "content": "", "tool_calls": [call]}))
    }

    fn half_call(&self) -> Option<String> {
        None
    }

    fn reason(&self, _: Ending) -> Option<String> {
        None
    }

    fn end(&self, ending: Ending, input: &Value, output: &Value) -> String {
        let reason = match ending {
            Ending::Stop | Ending::ToolCalls => "stop",
            Ending::Length => "length",
        };
        let data = json!({"model": "m", "message": {"role": "assistant", "content": ""},
            "done": true, "done_reason": reason, "total_duration": 1,
            "prompt_eval_count": input, "eval_count": output});
        format!("{data}\n")
    }

    fn error(&self, name: &str) -> String {
        format!("{}\n", json!({"error": name}))
    }
}
