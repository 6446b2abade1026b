use runloom_tests::{Setup, both_stores, check_ended, script, text};
use serde_json::{Value, json};

use super::{of, results};

const PERSONA: &str = r#"
    [[personas]]
    key = "p"
    prompt = "x"
    tools = ["sleep", "effect_once", "calculator"]
"#;

fn calls(tool: &str, arguments: &[Value]) -> Value {
    let call = |arguments: &Value| json!({ "tool_call": { "name": tool, "arguments": arguments } });
    arguments.iter().map(call).collect()
}

/// The most calls that were under way at once.
fn most_at_once(events: &[runloom_tests::Event]) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for event in events {
        match event.kind.as_str() {
            "tool.started" => now += 1,
            "tool.result" => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

both_stores! {
    async fn no_more_calls_run_at_once_than_may(store: Store) {
        let naps = vec![json!({ "seconds": 0.05 }); 5];
        let node = Setup::new(store).toml(PERSONA)
            .scripted("m", script([calls("sleep", &naps), text("ok")]))
            .variable("RUNLOOM_MAX_PARALLEL_TOOLS", "2")
            .start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!((most_at_once(&events), results(&events).len()), (2, 5));
    }

    async fn effects_that_must_not_happen_twice_come_in_order(store: Store) {
        let pauses = [json!({ "before_ms": 60 }), json!({ "before_ms": 30 }), json!({})];
        let node = Setup::new(store).toml(PERSONA)
            .scripted("m", script([calls("effect_once", &pauses), text("ok")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(most_at_once(&events), 1);
        let called: Vec<_> = of(&events, "tool.call").iter()
            .map(|event| format!("{run}/{}", event.data["tool_call_id"].as_str().unwrap_or_default()))
            .collect();
        assert_eq!(node.data().effects(), called);
    }

    async fn arguments_that_do_not_fit_run_nothing_and_name_the_place(store: Store) {
        let wrong = [json!({ "expression": ["6*7"] }), json!({}), json!({ "expression": "6*7" })];
        let node = Setup::new(store).toml(PERSONA)
            .scripted("m", script([calls("calculator", &wrong), text("ok")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(of(&events, "tool.started").len(), 1);
        let messages: Vec<_> = of(&events, "tool.result").iter()
            .filter_map(|event| event.data["error"]["message"].as_str().map(str::to_owned))
            .collect();
        assert!(messages[0].contains("/expression") && messages[1].contains("expression"), "{messages:?}");
    }
}
