//! The program with a real language model: one run that streams an answer, and one in which the
//! model calls a tool and answers from its result.

use runloom_tests::{Event, Setup, Store, both_stores, check_ended, kinds};
use serde_json::json;

fn setup(store: Store) -> Setup {
    let model = |name: &str| {
        std::env::var(name)
            .unwrap_or_else(|_| panic!("{name} names no model; `cargo xtask test` starts one"))
    };
    // A small model is led by few tools and few words.
    let persona = r#"
        [[personas]]
        key = "assistant"
        prompt = "You are a helpful assistant."
        tools = ["calculator"]
        temperature = 0.0
        limits = { max_steps = 4 }
        [[personas]]
        key = "talker"
        prompt = "You are a helpful assistant."
        temperature = 0.0
    "#;
    Setup::new(store)
        .toml(persona)
        .variable("RUNLOOM_MODEL_URL", &model("RUNLOOM_TEST_MODEL_URL"))
        .variable("RUNLOOM_MODEL", &model("RUNLOOM_TEST_MODEL"))
}

fn text(events: &[Event], kind: &str) -> String {
    let texts = events.iter().filter(|event| event.kind == kind);
    texts
        .filter_map(|event| event.data["content"].as_str())
        .collect()
}

both_stores! {
    async fn it_streams_an_answer(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let body = json!({ "persona_id": "talker", "input": "Say hello in one short sentence.",
            "limits": { "max_output_tokens": 200 } });
        let events = client.follow(&client.run(&body).await).await;
        let last = check_ended(&events, "run.completed");
        let deltas = kinds(&events).iter().filter(|kind| **kind == "message.delta").count();
        assert!(deltas > 2, "{:?}", kinds(&events));
        let said = text(&events, "message.delta");
        assert_eq!(last.data["output"], said);
        assert!(!said.trim().is_empty());
        let step = events.iter().find(|event| event.kind == "step.completed").expect("a step");
        assert_eq!(step.data["usage"]["source"], "reported");
        assert!(step.data["usage"]["output_tokens"].as_u64() > Some(2), "{:#}", step.data);
    }

    async fn it_calls_a_tool_and_answers_from_the_result(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let body = json!({ "input": "What is 6*7? Call calculator with expression 6*7." });
        let events = client.follow(&client.run(&body).await).await;
        let last = check_ended(&events, "run.completed");
        let called = events.iter().find(|event| event.kind == "tool.call").expect("a call");
        assert_eq!(called.data["tool_name"], "calculator");
        let result = events.iter().find(|event| event.kind == "tool.result").expect("a result");
        let content = result.data["content"].as_str().expect("it could be calculated");
        let output = last.data["output"].as_str().expect("an answer");
        assert!(output.contains(content), "{content} is not in {output:?}");
    }
}
