//! What a crash in the middle of a tool means, by the tool's class.

use runloom_tests::{Client, Node, Setup, Store, both_stores, call, check_ended, script, text};
use serde_json::{Value, json};

/// A run whose server dies at a failpoint in the middle of a tool, on a new server.
async fn crashed_in(store: Store, tool: &str, point: &str) -> (Node, String) {
    let persona = format!("[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"{tool}\"]\n");
    let arguments = if tool == "calculator" {
        json!({ "expression": "6*7" })
    } else {
        json!({})
    };
    let node = Setup::new(store)
        .scripted(
            "m",
            script([call(tool, arguments), text("The tool said {last_tool}.")]),
        )
        .toml(&persona)
        .variable("FAILPOINTS", &format!("{point}=return"))
        .start()
        .await;
    let run = node.client().run(&json!({})).await;
    let stopped = node.stopped().await;
    let node = stopped
        .restart_with(|setup| setup.without("FAILPOINTS"))
        .await;
    (node, run)
}

/// What the run asks, once it asks.
async fn asked(client: &Client, run: &str) -> Value {
    let mut stream = client.events(run, "").await;
    let events = stream.until("run.waiting_for_input").await;
    let waiting = events.last().expect("events");
    waiting.data["requests"][0].clone()
}

both_stores! {
    async fn pure_and_keyed_tools_run_again(store: Store) {
        for (tool, point, lines) in [
            ("calculator", "after_intent", 0), ("calculator", "after_effect", 0),
            ("effect_keyed", "after_intent", 1), ("effect_keyed", "after_effect", 2),
        ] {
            let (node, run) = crashed_in(store, tool, point).await;
            let events = node.client().follow(&run).await;
            check_ended(&events, "run.completed");
            let started: Vec<_> = events.iter().filter(|e| e.kind == "tool.started")
                .map(|e| e.data["attempt"].as_u64()).collect();
            assert_eq!(started, [Some(1), Some(2)], "{tool} {point}");
            let effects = node.data().effects();
            assert_eq!(effects.len(), lines, "{tool} {point}");
            assert!(effects.iter().all(|key| key == &effects[0]), "the same key each time");
        }
    }

    async fn a_tool_that_must_not_happen_twice_is_asked_about(store: Store) {
        for (point, happened) in [("after_intent", 0), ("after_effect", 1)] {
            for (content, again, output) in [
                ("done", 0, "The tool said done"),
                (r#"{"decision":"done","result":"receipt 7"}"#, 0, "The tool said receipt 7."),
                ("failed", 0, "The tool said"),
                ("retry", 1, "The tool said"),
            ] {
                let (node, run) = crashed_in(store, "effect_once", point).await;
                let client = node.client();
                let request = asked(&client, &run).await;
                assert_eq!(request["kind"], "tool_outcome_unknown");
                assert_eq!(request["tool_name"], "effect_once");
                assert_eq!(node.data().effects().len(), happened);
                client.input(&run, &json!({ "content": "approve" })).await
                    .expect_error(422, "validation.error");
                client.input(&run, &json!({ "content": content })).await.expect(200);
                let events = client.follow(&run).await;
                let last = check_ended(&events, "run.completed");
                let said = last.data["output"].as_str().unwrap_or_default();
                assert!(said.starts_with(output), "{content}: {said}");
                assert_eq!(node.data().effects().len(), happened + again, "{point} {content}");
            }
        }
    }

    async fn a_result_in_the_log_is_never_asked_for_again(store: Store) {
        for tool in ["calculator", "effect_keyed", "effect_once"] {
            let (node, run) = crashed_in(store, tool, "after_result").await;
            let events = node.client().follow(&run).await;
            check_ended(&events, "run.completed");
            let started = events.iter().filter(|e| e.kind == "tool.started").count();
            assert_eq!(started, 1);
            assert!(node.data().effects().len() <= 1);
        }
    }
}
