use runloom_tests::{MASTER_KEY, Node, Setup, Store, both_stores, check_ended, script, text};
use serde_json::{Value, json};

use super::{asked, of, results};

const PERSONA: &str = r#"
    [[personas]]
    key = "careful"
    prompt = "Ask first."
    tools = ["calculator", "effect_*"]
    approvals = { default = "ask", rules = [
        { tools = "calculator", when = { properties = { expression = { pattern = "/" } } }, mode = "deny" },
    ] }
"#;

fn setup(store: Store) -> Setup {
    let sum = |expression: &str| json!({ "tool_call": { "name": "calculator", "arguments": { "expression": expression } } });
    let three = json!([sum("1+1"), sum("2+2"), sum("3+3")]);
    Setup::new(store)
        .scripted("m", script([three, text("Done.")]))
        .toml(PERSONA)
}

async fn node(store: Store) -> Node {
    setup(store).start().await
}

fn answers(requests: &[Value], contents: [&str; 3]) -> Value {
    let answer = |(request, content): (&Value, &str)| json!({ "request_id": request["request_id"], "content": content });
    let answers: Vec<_> = requests.iter().zip(contents).map(answer).collect();
    json!({ "answers": answers })
}

const EDIT: &str = r#"{"decision":"edit","arguments":{"expression":"4+4"},"reason":"more"}"#;

both_stores! {
    async fn three_calls_are_approved_rejected_and_edited_together(store: Store) {
        let node = node(store).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        assert_eq!(requests.len(), 3);
        let body = answers(&requests, ["approve", "reject", EDIT]);
        client.input(&run, &body).await.expect(200);
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let mut results = results(&events);
        results.sort();
        assert_eq!(results, ["2", "8", "tool.rejected"]);
        let received = of(&events, "run.input_received");
        let decisions: Vec<_> = received.iter().map(|e| e.data["decision"].clone()).collect();
        assert_eq!(decisions, ["approve", "reject", "edit"]);
        assert_eq!(received[2].data["reason"], "more");
        for (event, request) in received.iter().zip(&requests) {
            assert!(event.data["user_id"].is_string());
            let digest = &event.data["arguments_digest"];
            assert_eq!(digest.as_str().map(str::len), Some(64));
            let is_edit = event.data["decision"] == "edit";
            assert_eq!(*digest != request["arguments_digest"], is_edit, "bound anew if edited");
        }
        client.input(&run, &body).await.expect_error(409, "runs.not_active");
    }

    async fn they_are_answered_one_by_one_as_well(store: Store) {
        let node = node(store).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        let all = answers(&requests, ["approve", "reject", EDIT]);
        for answer in all["answers"].as_array().expect("answers") {
            client.input(&run, answer).await.expect(200);
            let again = client.input(&run, answer).await;
            again.expect_error(409, "runs.not_waiting");
        }
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(of(&events, "run.waiting_for_input").len(), 1);
    }

    async fn of_answers_that_come_together_all_are_taken_or_none(store: Store) {
        let node = node(store).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        for (third, problem) in [
            ("perhaps", "approve"),
            (r#"{"decision":"edit","arguments":{"expression":[4]}}"#, "/expression"),
            (r#"{"decision":"edit","arguments":{"expression":"8/4"}}"#, "not allowed"),
        ] {
            let body = answers(&requests, ["approve", "reject", third]);
            let error = client.input(&run, &body).await.expect_error(422, "validation.error");
            let detail = error["details"]["answers[2].content"].as_str().unwrap_or_default();
            assert!(detail.contains(problem), "{error}");
        }
        let mut twice = answers(&requests, ["approve", "reject", "approve"]);
        twice["answers"][2]["request_id"] = twice["answers"][0]["request_id"].clone();
        client.input(&run, &twice).await.expect_error(422, "validation.error");
        for body in [json!({ "answers": [] }), json!({ "answers": [{ "content": "approve" }] }),
            json!({ "answers": [], "content": "approve" })] {
            client.input(&run, &body).await.expect_error(422, "validation.error");
        }
        assert!(of(&client.log(&run).await, "run.input_received").is_empty());
    }

    async fn an_answer_for_other_arguments_is_refused(store: Store) {
        let node = node(store).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        let answer = |request: &Value, digest: &Value| json!({
            "request_id": request["request_id"],
            "content": json!({ "decision": "approve", "arguments_digest": digest }).to_string(),
        });
        let other = answer(&requests[0], &requests[1]["arguments_digest"]);
        client.input(&run, &other).await.expect_error(409, "runs.arguments_changed");
        for request in &requests {
            let own = answer(request, &request["arguments_digest"]);
            client.input(&run, &own).await.expect(200);
        }
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(results(&events).len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_answered_on_another_node_after_the_first_has_died() {
    let setup = setup(Store::Postgres).variable("RUNLOOM_MASTER_KEY", MASTER_KEY);
    let first = setup.start().await;
    let second = first.peer("second").await;
    let client = first.client().at(second.base());
    let run = first.client().run(&json!({})).await;
    let requests = asked(&client, &run).await;
    let _gone = first.kill().await;
    let body = answers(&requests, ["approve", "reject", EDIT]);
    client.input(&run, &body).await.expect(200);
    let events = client.follow(&run).await;
    check_ended(&events, "run.completed");
    let mut results = results(&events);
    results.sort();
    assert_eq!(results, ["2", "8", "tool.rejected"]);
}
