use runloom_tests::{Setup, both_stores, check_ended, script, text};
use serde_json::{Value, json};

use super::{asked, results};

fn printer() -> Value {
    json!({
        "name": "print", "description": "Print a page.",
        "parameters": {
            "type": "object", "properties": { "page": { "type": "integer" } }, "required": ["page"],
        },
    })
}

fn print(page: &Value) -> Value {
    json!({ "tool_call": { "name": "print", "arguments": { "page": page } } })
}

both_stores! {
    async fn the_client_runs_its_tools_and_brings_the_results(store: Store) {
        let turn = json!([print(&json!(1)), print(&json!(2)), print(&json!("three"))]);
        let turns = script([turn, text("ok")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({ "tools": [printer()] })).await;
        let requests = asked(&client, &run).await;
        assert_eq!(requests.len(), 2, "the third does not fit the schema");
        for request in &requests {
            assert_eq!((&request["kind"], &request["tool_name"]), (&json!("client_tool"), &json!("print")));
        }
        assert_eq!(requests[1]["arguments"], json!({ "page": 2 }));
        let answers = json!({ "answers": [
            { "request_id": requests[0]["request_id"], "content": "printed" },
            { "request_id": requests[1]["request_id"], "content": r#"{"error":"out of ink"}"# },
        ] });
        client.input(&run, &answers).await.expect(200);
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(results(&events), ["tool.invalid_arguments", "printed", "tool.failed"]);
    }

    async fn tools_that_can_not_be_taken_are_refused(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("ok")])).start().await;
        let client = node.client();
        let named = |name: &str| json!({ "name": name, "parameters": { "type": "object" } });
        let many: Vec<Value> = (0..65).map(|index| named(&format!("t{index}"))).collect();
        let large = json!([{ "name": "t", "description": "x".repeat(65_536) }]);
        for (tools, problem) in [
            (json!(many), "at most 64"),
            (large, "65536"),
            (json!([named("a b")]), "letters"),
            (json!([named(&"x".repeat(65))]), "letters"),
            (json!([named("calculator")]), "calculator"),
            (json!([named("a"), named("a")]), "more than one"),
            (json!([{ "name": "a", "parameters": [] }]), "JSON schema"),
            (json!([{ "name": "a", "url": "x" }]), "url"),
            (json!("print"), "sequence"),
        ] {
            let path = format!("/v1/threads/{}/runs", client.thread().await);
            let error = client.post(&path, &json!({ "tools": tools })).await;
            let error = error.expect_error(422, "validation.error");
            let detail = error["details"]["tools"].as_str().unwrap_or_default();
            assert!(detail.contains(problem), "{error}");
        }
    }
}
