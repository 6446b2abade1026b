//! OpenAI's Responses format.

use serde_json::{Value, json};

use super::{Ending, Wire, named};

pub(crate) struct Responses;

impl Wire for Responses {
    fn kind(&self) -> &'static str {
        "openai_responses"
    }

    fn path(&self) -> &'static str {
        "/v1/responses"
    }

    fn begin(&self) -> String {
        let response = json!({"id": "resp_1", "status": "in_progress", "output": []});
        named(&json!({"type": "response.created", "response": response, "sequence_number": 0}))
    }

    fn text(&self, text: &str) -> String {
        named(
            &json!({"type": "response.output_text.delta", "item_id": "msg_1",
            "output_index": 1, "content_index": 0, "delta": text}),
        )
    }

    fn thought(&self, text: &str) -> String {
        named(
            &json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1",
            "output_index": 0, "summary_index": 0, "delta": text}),
        )
    }

    fn call(&self, at: u32, id: &str, name: &str, arguments: &Value) -> String {
        let item = |arguments: &str| {
            json!({"type": "function_call", "id": format!("fc_{at}"), "call_id": id,
                "name": name, "arguments": arguments})
        };
        let arguments = arguments.to_string();
        [
            named(
                &json!({"type": "response.output_item.added", "output_index": at,
                "item": item("")}),
            ),
            named(&json!({"type": "response.function_call_arguments.delta",
                "output_index": at, "item_id": format!("fc_{at}"), "delta": arguments})),
            named(
                &json!({"type": "response.output_item.done", "output_index": at,
                "item": item(&arguments)}),
            ),
        ]
        .concat()
    }

    fn half_call(&self) -> Option<String> {
        let item = json!({"type": "function_call", "id": "fc_0", "call_id": "call_0",
            "name": "t", "arguments": ""});
        let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item});
        let delta = json!({"type": "response.function_call_arguments.delta",
            "output_index": 0, "item_id": "fc_0", "delta": "{\"x\":"});
        Some(named(&added) + &named(&delta))
    }

    fn reason(&self, _: Ending) -> Option<String> {
        None
    }

    fn end(&self, ending: Ending, input: &Value, output: &Value) -> String {
        let usage = json!({"input_tokens": input, "output_tokens": output});
        let (status, details) = match ending {
            Ending::Length => ("incomplete", json!({"reason": "max_output_tokens"})),
            Ending::Stop | Ending::ToolCalls => ("completed", Value::Null),
        };
        named(
            &json!({"type": format!("response.{status}"), "response": {"id": "resp_1",
            "status": status, "incomplete_details": details, "output": [], "usage": usage}}),
        )
    }

    fn error(&self, name: &str) -> String {
        named(&json!({"type": "error", "code": name, "message": "SECRET", "param": null}))
    }
}
