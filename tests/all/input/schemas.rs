use runloom_tests::{Setup, both_stores, call, check_ended, script, text};
use serde_json::{Value, json};

use super::asked;

fn question(schema: &Value) -> Value {
    call("ask_user", json!({ "question": "?", "schema": schema }))
}

both_stores! {
    async fn json_must_fit_the_schema(store: Store) {
        let schema = json!({
            "type": "object",
            "properties": { "age": { "type": "integer" } },
            "required": ["age"],
        });
        let turns = script([question(&schema), text("Noted: {last_tool}")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        assert_eq!(requests[0]["schema"], schema);
        for (misfit, because) in [
            ("36".to_owned(), "object"),
            ("I am 36".to_owned(), "not JSON"),
            ("{}".to_owned(), "age"),
            (json!({ "age": "s3cret".repeat(5000) }).to_string(), "/age"),
        ] {
            let answer = client.input(&run, &json!({ "content": misfit })).await;
            let error = answer.expect_error(422, "validation.error");
            let detail = error["details"]["content"].as_str().unwrap_or_default();
            assert!(detail.contains(because), "{misfit}: {detail}");
            assert!(detail.len() < 1000 && !detail.contains("s3cret"), "{detail}");
        }
        assert_eq!(client.status(&run).await, "waiting_for_input");
        client.input(&run, &json!({ "content": r#"{"age":36}"# })).await.expect(200);
        let events = client.follow(&run).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], r#"Noted: {"age":36}"#);
        let received = events.iter().filter(|e| e.kind == "run.input_received");
        assert_eq!(received.count(), 1, "what was refused is not in the log");
    }

    async fn a_string_may_be_plain_text(store: Store) {
        let turns = script([question(&json!({ "type": "string", "maxLength": 4 })), text("ok")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        for (misfit, fits) in [("green", "blue"), ("\"green\"", "\"blue\"")] {
            let run = client.run(&json!({})).await;
            asked(&client, &run).await;
            client.input(&run, &json!({ "content": misfit })).await
                .expect_error(422, "validation.error");
            client.input(&run, &json!({ "content": fits })).await.expect(200);
            check_ended(&client.follow(&run).await, "run.completed");
        }
    }

    async fn options_do_not_bind(store: Store) {
        let asks = call("ask_user", json!({ "question": "?", "options": ["red", "blue"] }));
        let node = Setup::new(store).scripted("m", script([asks, text("ok")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        asked(&client, &run).await;
        client.input(&run, &json!({ "content": "neither" })).await.expect(200);
        check_ended(&client.follow(&run).await, "run.completed");
    }

    async fn the_model_is_told_of_a_schema_that_cannot_be_used(store: Store) {
        let remote = json!({ "$ref": "http://127.0.0.1:9/schema.json" });
        let turns = script([question(&remote), question(&json!({ "type": "integer" })), text("ok")]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let requests = asked(&client, &run).await;
        assert_eq!(requests.len(), 1, "only the second question is asked");
        client.input(&run, &json!({ "content": "7" })).await.expect(200);
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let results: Vec<_> = events.iter().filter(|e| e.kind == "tool.result").collect();
        let error = &results[0].data["error"];
        assert_eq!(error["error_class"], "tool.invalid_arguments");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("$ref is not allowed"), "{message}");
        assert_eq!(results[1].data["content"], "7");
    }
}
