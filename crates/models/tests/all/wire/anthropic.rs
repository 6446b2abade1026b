//! Anthropic's Messages format.

use serde_json::{Value, json};

use super::{Ending, Wire, named};

pub(crate) struct Anthropic;

/// Where calls begin among the blocks of an answer.
const FIRST_CALL: u32 = 2;

fn block(index: u32, start: &Value, deltas: &[Value]) -> String {
    let mut events = vec![named(
        &json!({"type": "content_block_start", "index": index, "content_block": start}),
    )];
    let delta = |delta| json!({"type": "content_block_delta", "index": index, "delta": delta});
    events.extend(deltas.iter().map(|own| named(&delta(own))));
    events.push(named(
        &json!({"type": "content_block_stop", "index": index}),
    ));
    events.concat()
}

impl Wire for Anthropic {
    fn kind(&self) -> &'static str {
        "anthropic"
    }

    fn path(&self) -> &'static str {
        "/v1/messages"
    }

    fn begin(&self) -> String {
        let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "content": [],
            "model": "m", "stop_reason": null,
            "usage": {"input_tokens": 1, "output_tokens": 1}});
        named(&json!({"type": "message_start", "message": message}))
            + &named(&json!({"type": "ping"}))
    }

    fn text(&self, text: &str) -> String {
        let delta = json!({"type": "text_delta", "text": text});
        block(1, &json!({"type": "text", "text": ""}), &[delta])
    }

    fn thought(&self, text: &str) -> String {
        let start = json!({"type": "thinking", "thinking": "", "signature": ""});
        let delta = json!({"type": "thinking_delta", "thinking": text});
        let signature = json!({"type": "signature_delta", "signature": "c2ln"});
        block(0, &start, &[delta, signature])
    }

    fn call(&self, at: u32, id: &str, name: &str, arguments: &Value) -> String {
        let start = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        let arguments = arguments.to_string();
        let (first, rest) = arguments.split_at(1);
        let delta = |part| json!({"type": "input_json_delta", "partial_json": part});
        block(
            FIRST_CALL + at,
            &start,
            &[delta(""), delta(first), delta(rest)],
        )
    }

    fn half_call(&self) -> Option<String> {
        let start = json!({"type": "tool_use", "id": "call_0", "name": "t", "input": {}});
        let start = json!({"type": "content_block_start", "index": 2, "content_block": start});
        let delta = json!({"type": "input_json_delta", "partial_json": "{\"x\":"});
        let delta = json!({"type": "content_block_delta", "index": 2, "delta": delta});
        Some(named(&start) + &named(&delta))
    }

    fn reason(&self, ending: Ending) -> Option<String> {
        Some(delta(ending, &json!({})))
    }

    fn end(&self, ending: Ending, input: &Value, output: &Value) -> String {
        let usage = json!({"input_tokens": input, "output_tokens": output});
        delta(ending, &usage) + &named(&json!({"type": "message_stop"}))
    }

    fn error(&self, name: &str) -> String {
        named(&json!({"type": "error", "error": {"type": name, "message": "SECRET"}}))
    }
}

fn delta(ending: Ending, usage: &Value) -> String {
    let reason = match ending {
        Ending::Stop => "end_turn",
        Ending::Length => "max_tokens",
        Ending::ToolCalls => "tool_use",
    };
    let delta = json!({"stop_reason": reason, "stop_sequence": null});
    named(&json!({"type": "message_delta", "delta": delta, "usage": usage}))
}
