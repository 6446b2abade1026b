use runloom_tests::{Setup, Store, both_stores, call, check_ended, script, text};
use serde_json::json;

use super::{asked, of, results};

const PERSONA: &str = r#"
    [[personas]]
    key = "ruled"
    prompt = "Work."
    tools = ["calc*", "effect_*"]
    [personas.approvals]
    default = "auto"
    tools = { "effect_*" = "deny", effect_keyed = "auto" }
    rules = [
        { tools = "calculator", when = { properties = { expression = { pattern = "^9" } } }, mode = "ask" },
        { class = "once", mode = "ask" },
    ]
"#;

/// What becomes of one call: its approval as the log says.
async fn approval(store: Store, tool: &str, arguments: serde_json::Value) -> String {
    let turns = script([call(tool, arguments), text("ok")]);
    let node = Setup::new(store)
        .scripted("m", turns)
        .toml(PERSONA)
        .start()
        .await;
    let client = node.client();
    let run = client.run(&json!({})).await;
    let events = client.events(&run, "").await.until("tool.call").await;
    let called = events.last().expect("events").data["approval"].clone();
    if called == "ask" {
        asked(&client, &run).await;
        client
            .input(&run, &json!({ "content": "approve" }))
            .await
            .expect(200);
    }
    check_ended(&client.follow(&run).await, "run.completed");
    called.as_str().expect("an approval").to_owned()
}

both_stores! {
    async fn rules_decide_by_tool_class_and_arguments(store: Store) {
        for (tool, arguments, expected) in [
            ("calculator", json!({ "expression": "1+1" }), "auto"),
            ("calculator", json!({ "expression": "9+1" }), "ask"),
            ("effect_once", json!({}), "ask"),
            ("effect_pure", json!({}), "denied"),
            ("effect_keyed", json!({}), "auto"),
        ] {
            assert_eq!(approval(store, tool, arguments).await, expected, "{tool}");
        }
    }

    async fn a_persona_whose_rules_can_not_be_used_is_refused(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        for (approvals, problem) in [
            (json!({ "rules": [{ "mode": "ask", "when": { "type": 7 } }] }), "rules[0].when"),
            (json!({ "rules": [{ "mode": "ask", "tools": "a b" }] }), "rules[0].tools"),
            (json!({ "rules": [{ "mode": "ask", "tool": "a" }] }), "tool"),
            (json!({ "tools": { "sell": "ask" } }), "sell is not among"),
        ] {
            let body = json!({ "key": "p", "prompt": "x", "tools": ["calc*"], "approvals": approvals });
            let error = client.post("/v1/personas", &body).await.expect_error(422, "validation.error");
            let detail = error["details"]["approvals"].as_str().unwrap_or_default();
            assert!(detail.contains(problem), "{error}");
        }
        let good = json!({ "default": "ask", "tools": { "calc*": "auto" },
            "rules": [{ "class": "once", "mode": "deny" }] });
        let body = json!({ "key": "p", "prompt": "x", "tools": ["calc*"], "approvals": good,
            "limits": { "max_identical_calls": 3 } });
        let made = client.post("/v1/personas", &body).await.expect(201);
        assert_eq!(made["approvals"], good);
        assert_eq!(made["limits"]["max_identical_calls"], 3);
    }

    async fn a_run_that_turns_in_a_circle_ends(store: Store) {
        let persona = r#"
            [[personas]]
            key = "p"
            prompt = "x"
            tools = ["calculator"]
            limits = { max_identical_calls = 2 }
        "#;
        let turn = || call("calculator", json!({ "expression": "6*7" }));
        let turns = script([turn(), turn(), turn(), text("never")]);
        let node = Setup::new(store).scripted("m", turns).toml(persona).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        let last = check_ended(&events, "run.failed");
        assert_eq!(last.data["error_class"], "limits.tool_loop");
        assert_eq!(results(&events), ["42", "42", "tool.cancelled"]);
        assert_eq!(of(&events, "tool.started").len(), 2);
    }
}
