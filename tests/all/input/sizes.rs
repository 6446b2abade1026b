use runloom_tests::{Node, Setup, Store, both_stores, call, check_ended, script, text};
use serde_json::json;

use super::asked;

async fn node(store: Store) -> Node {
    let question = call("ask_user", json!({ "question": "?" }));
    Setup::new(store)
        .scripted("m", script([question, text("ok")]))
        .start()
        .await
}

both_stores! {
    async fn the_limit_counts_bytes_of_utf_8(store: Store) {
        let node = node(store).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        asked(&client, &run).await;
        for too_long in ["x".repeat(32_769), "𝄞".repeat(8_192) + "x", "é".repeat(16_385)] {
            let answer = client.input(&run, &json!({ "content": too_long })).await;
            let error = answer.expect_error(422, "validation.error");
            let detail = error["details"]["content"].as_str().unwrap_or_default();
            assert!(detail.contains(&too_long.len().to_string()), "{detail}");
        }
        for fits in ["x".repeat(32_768), "𝄞".repeat(8_192)] {
            let run = client.run(&json!({})).await;
            asked(&client, &run).await;
            client.input(&run, &json!({ "content": fits })).await.expect(200);
            let events = client.follow(&run).await;
            check_ended(&events, "run.completed");
            let result = events.iter().find(|e| e.kind == "tool.result").expect("a result");
            let content = result.data["content"].as_str().unwrap_or_default();
            assert!(content.contains(&fits), "{} bytes", content.len());
        }
    }

    async fn escapes_do_not_count_against_it(store: Store) {
        let node = node(store).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        asked(&client, &run).await;
        // Six times as long on the wire as it is.
        let body = format!("{{\"content\":\"{}\"}}", "\\u0061".repeat(32_768));
        let path = format!("/v1/runs/{run}/input");
        let request = client.request(reqwest::Method::POST, &path);
        let request = request.header("Content-Type", "application/json").body(body);
        client.send(request).await.expect(200);
    }

    async fn missing_and_empty_are_refused(store: Store) {
        let node = node(store).await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        asked(&client, &run).await;
        for body in [json!({}), json!({ "content": "" }), json!({ "content": null }),
            json!({ "content": 7 }), json!({ "content": "x", "request_id": "x" }),
            json!({ "content": "x", "more": 1 }), json!({ "content": "a\u{0}b" })] {
            client.input(&run, &body).await.expect_error(422, "validation.error");
        }
        assert_eq!(client.status(&run).await, "waiting_for_input");
    }
}
