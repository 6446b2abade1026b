use serde_json::json;

use crate::client::Request;
use crate::server::with_server;

#[test]
fn messages_are_posted_listed_and_edited() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = ada.send(Request::post("/v1/threads")).await.json();
        let messages = format!("/v1/threads/{}/messages", thread["id"].as_str().unwrap());
        let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        let posted = ada.post(&messages, &json!({"content": parts})).await;
        assert_eq!(posted.status, 201, "{}", posted.body);
        let posted = posted.json();
        assert_eq!(
            (&posted["content"], &posted["role"]),
            (&json!("a\nb"), &json!("user"))
        );
        assert_eq!(posted["run_id"], json!(null));
        let listed = ada.get(&messages).await.json();
        assert_eq!(listed, json!([posted]));

        let one = format!("{messages}/{}", posted["id"].as_str().unwrap());
        let edit = Request::new("PATCH", &one).json(&json!({"content": "c"}));
        let run = ada.send(edit).await;
        assert_eq!(run.status, 201, "{}", run.body);
        let run = run.json()["run_id"].as_str().unwrap().to_owned();
        let events = ada.get(&format!("/v1/runs/{run}/events")).await;
        assert!(events.body.contains("run.completed"), "{}", events.body);
        let listed = ada.get(&messages).await.json();
        let texts: Vec<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["content"].clone())
            .collect();
        assert_eq!(texts, ["one two", "c"]);

        let thread = thread["id"].as_str().unwrap();
        let again = ada
            .send(Request::post(&format!("/v1/threads/{thread}:retry")))
            .await;
        assert_eq!(again.status, 201, "{}", again.body);
        let unknown = format!("{messages}/{run}");
        let edit = Request::new("PATCH", &unknown).json(&json!({"content": "c"}));
        let refused = ada.send(edit).await.failure();
        // The retried run may still be live; a message that isn't there is refused either way.
        assert!([404, 409].contains(&refused.0), "{refused:?}");
    });
}

#[test]
fn content_is_bounded() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = ada.send(Request::post("/v1/threads")).await.json();
        let messages = format!("/v1/threads/{}/messages", thread["id"].as_str().unwrap());
        let fits = "é".repeat(128 * 1024);
        assert_eq!(
            ada.post(&messages, &json!({"content": fits})).await.status,
            201
        );
        for bad in [
            json!({"content": format!("{fits}x")}),
            json!({"content": ""}),
            json!({}),
        ] {
            let refused = ada.post(&messages, &bad).await;
            assert_eq!(refused.failure(), (422, "validation.error".into()));
            assert!(refused.json()["details"]["content"].is_string());
        }
    });
}
