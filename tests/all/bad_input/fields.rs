use runloom_tests::{Setup, both_stores};
use serde_json::json;

both_stores! {
    async fn unknown_fields_and_wrong_types_are_all_named(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let (runs, messages) =
            (format!("/v1/threads/{thread}/runs"), format!("/v1/threads/{thread}/messages"));
        for (path, body, fields) in [
            ("/v1/threads", json!({ "titel": "x" }), vec!["titel"]),
            ("/v1/threads", json!({ "title": 7, "metadata": [] }), vec!["metadata", "title"]),
            ("/v1/threads", json!({ "metadata": { "a": "x".repeat(17_000) } }), vec!["metadata"]),
            (&runs, json!({ "route": "m", "route_id": 7 }), vec!["route", "route_id"]),
            (&runs, json!({ "on_busy": "wait" }), vec!["on_busy"]),
            (&runs, json!({ "metadata": "x" }), vec!["metadata"]),
            (&runs, json!({ "limits": 7 }), vec!["limits"]),
            (&runs, json!({ "input": "" }), vec!["input"]),
            (&messages, json!({ "content": 7 }), vec!["content"]),
            (&messages, json!({ "content": "x", "role": "assistant" }), vec!["role"]),
            ("/v1/api-keys", json!({ "scopes": "runs.read" }), vec!["name", "scopes"]),
            ("/v1/auth/register", json!({}), vec!["email", "login", "password"]),
        ] {
            let error = client.post(path, &body).await.expect_error(422, "validation.error");
            let details = error["details"].as_object().expect("an object");
            let mut named: Vec<&str> = details.keys().map(String::as_str).collect();
            named.sort_unstable();
            assert_eq!(named, fields, "{path} {body}");
        }
        assert_eq!(client.get(&runs).await.expect(200), json!([]));
        assert_eq!(client.get(&messages).await.expect(200), json!([]));
    }
}
