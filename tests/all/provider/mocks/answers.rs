//! What aimock answers, in every format.

use runloom_tests::provider::{Piece, Provider, Reply};
use runloom_tests::{Event, Setup, both_stores, check_ended, said};
use serde_json::{Value, json};

use super::{AIMOCK, aimock, setup, with};

fn fixtures() -> Vec<Value> {
    let call = json!({ "id": "call_1", "name": "calculator",
        "arguments": { "expression": "6*7" } });
    let usage = json!({ "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 });
    let asked = |user: &str, answered: bool, response: Value| {
        let matched = json!({ "userMessage": user, "hasToolResult": answered });
        json!({ "match": matched, "response": response, "chunkSize": 4 })
    };
    let product = json!({ "content": "The product is 42." });
    vec![
        asked(
            "hello",
            false,
            json!({ "content": "Hello, Grüße 𝄞!", "usage": usage }),
        ),
        asked(
            "product",
            false,
            json!({ "toolCalls": [call], "usage": usage }),
        ),
        asked("product", true, product.clone()),
        asked(
            "both",
            false,
            json!({ "content": "I calculate.", "toolCalls": [call] }),
        ),
        asked("both", true, product.clone()),
        asked(
            "think",
            false,
            json!({ "reasoning": "let me think", "content": "forty two" }),
        ),
        asked(
            "ponder",
            false,
            json!({ "reasoning": "a product", "toolCalls": [call] }),
        ),
        asked("ponder", true, product),
        asked(
            "endless",
            false,
            json!({ "content": "and so on", "finishReason": "length" }),
        ),
    ]
}

fn thoughts(events: &[Event]) -> String {
    let deltas = events
        .iter()
        .filter(|event| event.kind == "reasoning.delta");
    deltas
        .filter_map(|event| event.data["content"].as_str())
        .collect()
}

fn step<'a>(events: &'a [Event], field: &str) -> &'a Value {
    let step = events.iter().find(|event| event.kind == "step.completed");
    &step.expect("a step").data[field]
}

/// The kinds in whose formats aimock says what it thinks and what it counts. In Ollama's it does
/// neither as Ollama would.
fn faithful(kind: &str) -> bool {
    kind != "ollama"
}

both_stores! {
    async fn a_text_a_tool_loop_and_thoughts(store: Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let aimock = aimock(&fixtures(), folder.path()).await;
        let node = setup(store, &AIMOCK, &aimock).start().await;
        let client = node.client();
        for kind in AIMOCK.map(|kind| kind.name) {
            let asked = async |input: &str, end: &str| {
                let body = json!({ "route_id": kind, "persona_id": "worker", "input": input });
                let events = client.follow(&client.run(&body).await).await;
                let last = check_ended(&events, "run.completed");
                assert_eq!(last.data["output"], end, "{kind}");
                events
            };
            let events = asked("hello", "Hello, Grüße 𝄞!").await;
            assert_eq!(said(&events), "Hello, Grüße 𝄞!", "{kind}");
            assert!(events.iter().filter(|e| e.kind == "message.delta").count() > 2, "{kind}");
            let usage = step(&events, "usage");
            if faithful(kind) {
                let counts = (&usage["source"], &usage["uncached_input_tokens"], &usage["output_tokens"]);
                assert_eq!(counts, (&json!("reported"), &json!(11), &json!(7)), "{kind}");
            }
            let events = asked("think", "forty two").await;
            assert_eq!(thoughts(&events), if faithful(kind) { "let me think" } else { "" });
            for input in ["product", "both", "ponder"] {
                let events = asked(input, "The product is 42.").await;
                let calls = events.iter().filter(|e| e.kind == "tool.call").count();
                assert_eq!(calls, 1, "{kind} {input}");
                let result = events.iter().find(|e| e.kind == "tool.result").expect("a result");
                assert_eq!(result.data["content"], "42", "{kind} {input}");
                let first = &step(&events, "message")["content"];
                assert_eq!(first, if input == "both" { "I calculate." } else { "" }, "{kind}");
            }
            let events = asked("endless", "and so on").await;
            // In the Responses format it gives no reason for such an end, which the format has.
            if faithful(kind) && kind != "openai_responses" {
                assert_eq!(step(&events, "finish_reason"), "length", "{kind}");
            }
        }
    }

    async fn what_a_model_at_ollama_thinks_is_shown_and_goes_back(store: Store) {
        let line = |message: Value, more: Value| {
            let line = json!({ "model": "m", "message": message, "done": false });
            Piece::Raw(format!("{}\n", with(line, more)).into_bytes())
        };
        let open = |message: Value| line(message, json!({}));
        let end = || line(json!({ "role": "assistant", "content": "" }), json!({ "done": true,
            "done_reason": "stop", "prompt_eval_count": 20, "eval_count": 6 }));
        let thinks = open(json!({ "role": "assistant", "content": "", "thinking": "6*7, so " }));
        let calls = open(json!({ "role": "assistant", "content": "", "tool_calls": [
            { "function": { "name": "calculator", "arguments": { "expression": "6*7" } } }] }));
        let says = open(json!({ "role": "assistant", "content": "42" }));
        let provider = Provider::start([
            Reply::Lines(vec![thinks, calls, end()]), Reply::Lines(vec![says, end()]),
        ]).await;
        let route = format!("[[routes]]\nroute_id = \"main\"\nmodel = \"m\"\nkind = \"ollama\"\n\
            base_url = \"{}\"\ndefault = true\n", provider.url());
        let node = Setup::new(store).toml(&route).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!((last.data["output"].as_str(), thoughts(&events)), (Some("42"), "6*7, so ".into()));
        assert_eq!(step(&events, "usage")["output_tokens"], 6);
        let sent = provider.request(2).await.body;
        let messages = sent["messages"].as_array().expect("messages").clone();
        let called = messages.iter().find(|m| m["role"] == "assistant").expect("the call");
        assert_eq!(called["thinking"], "6*7, so ");
        let result = messages.last().expect("a result");
        assert_eq!((&result["role"], &result["content"]), (&json!("tool"), &json!("42")));
    }
}
