use runloom_tests::{Setup, both_stores, call, check_ended, script, text};
use serde_json::json;

use super::asked;

both_stores! {
    async fn the_answer_is_the_tools_result(store: Store) {
        let question = call("ask_user", json!({ "question": "Your name?" }));
        let turns = script([question, text("Hello {last_tool}!")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        assert_eq!(requests.len(), 1);
        let answer = client.input(&run, &json!({ "content": "Ada" })).await.expect(200);
        assert_eq!(answer, json!({ "ok": true }));
        let events = client.follow(&run).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], "Hello Ada!");
        let received = events.iter().find(|e| e.kind == "run.input_received");
        assert_eq!(received.expect("it is in the log").data["decision"], "answer");
    }

    async fn it_is_in_the_log_before_the_answer(store: Store) {
        let question = call("ask_user", json!({ "question": "?" }));
        let node = Setup::new(store).scripted("m", script([question, json!(["hang"])])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        asked(&client, &run).await;
        client.input(&run, &json!({ "content": "yes" })).await.expect(200);
        let node = node.kill().await.restart().await;
        let log = node.client().log(&run).await;
        assert!(log.iter().any(|event| event.kind == "run.input_received"));
    }

    async fn several_questions_need_their_request_id(store: Store) {
        let turn = json!([
            { "tool_call": { "name": "ask_user", "arguments": { "question": "First?" } } },
            { "tool_call": { "name": "ask_user", "arguments": { "question": "Second?" } } },
        ]);
        let node = Setup::new(store).scripted("m", script([turn, text("ok")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        assert_eq!(requests.len(), 2);
        let ids: Vec<_> = requests.iter().map(|r| r["request_id"].clone()).collect();
        client.input(&run, &json!({ "content": "x" })).await
            .expect_error(422, "runs.request_ambiguous");
        let second = json!({ "content": "two", "request_id": ids[1] });
        client.input(&run, &second).await.expect(200);
        client.input(&run, &second).await.expect_error(409, "runs.not_waiting");
        let nobodys = "0190c9d6-1b6f-7d4e-8f00-000000000000";
        client.input(&run, &json!({ "content": "x", "request_id": nobodys })).await
            .expect_error(409, "runs.not_waiting");
        let open = client.run_object(&run).await["requests"].clone();
        assert_eq!(open.as_array().map(Vec::len), Some(1));
        assert_eq!(open[0]["request_id"], ids[0]);
        client.input(&run, &json!({ "content": "one" })).await.expect(200);
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let results: Vec<_> = events.iter().filter(|e| e.kind == "tool.result")
            .map(|e| e.data["content"].as_str().unwrap_or_default().to_owned()).collect();
        assert!(results.iter().any(|r| r.contains("one")) && results.iter().any(|r| r.contains("two")));
    }

    async fn only_a_waiting_run_takes_an_answer(store: Store) {
        let node = Setup::new(store)
            .scripted("m", script([text("ok")]))
            .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
            .start().await;
        let client = node.client();
        let done = client.run(&json!({})).await;
        client.follow(&done).await;
        let answer = json!({ "content": "x" });
        client.input(&done, &answer).await.expect_error(409, "runs.not_active");
        let held = client.run(&json!({ "route_id": "held" })).await;
        client.events(&held, "").await.until("message.delta").await;
        client.input(&held, &answer).await.expect_error(409, "runs.not_waiting");
        client.input("0190c9d6-1b6f-7d4e-8f00-000000000000", &answer).await
            .expect_error(404, "runs.not_found");
    }
}
