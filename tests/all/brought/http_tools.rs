use reqwest::Method;
use runloom_tests::both_stores;
use serde_json::json;

use super::{TOOLS, id, made, new_tool, refused, setup};

const URL: &str = "http://127.0.0.1:9/look";

both_stores! {
    async fn a_tool_is_made_changed_and_deleted(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let mut body = new_tool("look_up", URL);
        body["headers"] = json!({ "X-Team": "blue" });
        body["secret_header"] = json!({ "name": "Authorization", "value": "Bearer sk-secret" });
        let tool = client.post(TOOLS, &body).await.expect(201);
        assert_eq!((&tool["name"], &tool["method"]), (&json!("look_up"), &json!("POST")));
        assert_eq!((&tool["class"], &tool["timeout_ms"]), (&json!("once"), &json!(30_000)));
        assert_eq!(tool["headers"], json!({ "x-team": "blue" }));
        assert_eq!(tool["secret_header"], "authorization");
        assert_eq!((&tool["signing_secret"], &tool["schema"]), (&json!(null), &body["schema"]));
        let path = format!("{TOOLS}/{}", id(&tool));
        let read = client.get(&path).await;
        assert_eq!(read.header("etag"), "\"1\"");
        assert_eq!(read.expect(200), tool);
        assert_eq!(client.get(TOOLS).await.expect(200), json!([tool]));
        client.post(TOOLS, &body).await.expect_error(409, "http_tools.name_taken");

        let patch = json!({ "class": "keyed", "headers": null, "secret_header": null,
            "method": "PUT", "enabled": false });
        let changed = client.patch(&path, &patch).await;
        assert_eq!(changed.header("etag"), "\"2\"");
        let changed = changed.expect(200);
        assert_eq!((&changed["class"], &changed["method"]), (&json!("keyed"), &json!("PUT")));
        assert_eq!((&changed["headers"], &changed["secret_header"]), (&json!({}), &json!(null)));
        assert_eq!((&changed["name"], &changed["enabled"]), (&json!("look_up"), &json!(false)));
        let stale = client.request(Method::DELETE, &path).header("If-Match", "\"1\"");
        client.send(stale).await.expect_error(412, "precondition.failed");
        assert_eq!(client.delete(&path).await.status, 204);
        client.get(&path).await.expect_error(404, "http_tools.not_found");
        client.patch(&path, &json!({})).await.expect_error(404, "http_tools.not_found");
    }

    async fn what_can_not_be_a_tool_is_named(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        for (field, value, told) in [
            ("name", json!("a b"), "name"),
            ("name", json!("mcp__a__b"), "name"),
            ("name", json!("calculator"), "name"),
            ("name", json!("x".repeat(65)), "name"),
            ("description", json!(""), "description"),
            ("schema", json!({ "type": "string" }), "schema"),
            ("schema", json!({ "type": "object", "properties": 1 }), "schema"),
            ("schema", json!({ "type": "object", "$ref": "http://example.org" }), "schema"),
            ("schema", json!({ "type": "object", "$ref": "#/nowhere" }), "schema"),
            ("schema", json!({ "type": "object", "description": "x".repeat(32 * 1024) }), "schema"),
            ("schema", json!(null), "schema"),
            ("url", json!("http://[::1]/"), "url"),
            ("url", json!("javascript:alert(1)"), "url"),
            ("method", json!("GET"), "method"),
            ("headers", json!({ "Host": "a" }), "headers"),
            ("headers", json!({ "Runloom-Signature": "a" }), "headers"),
            ("headers", json!({ "a b": "c" }), "headers"),
            ("headers", json!({ "a": "b\r\nc: d" }), "headers"),
            ("secret_header", json!({ "name": "a" }), "secret_header.value"),
            ("secret_header", json!({ "name": "idempotency-key", "value": "b" }),
                "secret_header.name"),
            ("signing_secret", json!("short"), "signing_secret"),
            ("signing_secret", json!(null), "signing_secret"),
            ("class", json!("twice"), "class"),
            ("timeout_ms", json!(600_001), "timeout_ms"),
            ("secret", json!("x"), "secret"),
        ] {
            let mut body = new_tool("a", URL);
            body[field] = value.clone();
            assert_eq!(refused(&client, Method::POST, TOOLS, &body).await, [told], "{value}");
        }
        assert_eq!(client.get(TOOLS).await.expect(200), json!([]));
    }

    async fn a_schema_may_refer_to_itself(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let mut body = new_tool("a", URL);
        body["schema"] = json!({
            "type": "object", "description": "x".repeat(9_000),
            "properties": { "of": { "$ref": "#/$defs/node" } },
            "$defs": { "node": { "properties": { "next": { "$ref": "#/$defs/node" } } } },
        });
        let tool = client.post(TOOLS, &body).await.expect(201);
        assert_eq!(tool["schema"], body["schema"]);
    }

    async fn secrets_do_not_go_to_another_address_by_themselves(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let mut body = new_tool("a", URL);
        body["secret_header"] = json!({ "name": "authorization", "value": "sk-secret" });
        let path = made(&client, TOOLS, &body).await;
        let mut patch = json!({ "url": "https://evil.example.org/" });
        assert_eq!(refused(&client, Method::PATCH, &path, &patch).await, ["signing_secret"]);
        patch["signing_secret"] = json!("whsec-fedcba9876543210");
        assert_eq!(refused(&client, Method::PATCH, &path, &patch).await, ["secret_header"]);
        patch["secret_header"] = json!(null);
        let changed = client.patch(&path, &patch).await.expect(200);
        assert_eq!(changed["url"], patch["url"]);
        let same = json!({ "url": patch["url"], "description": "other" });
        client.patch(&path, &same).await.expect(200);
    }

    async fn a_tool_is_made_once(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let body = new_tool("a", URL);
        let first = client.post_once(TOOLS, "k", &body).await;
        let again = client.post_once(TOOLS, "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!((again.status, &again.body), (201, &first.body));
        client.post_once(TOOLS, "k", &new_tool("b", URL)).await
            .expect_error(409, "idempotency.key_reused");
        assert_eq!(client.get(TOOLS).await.expect(200).as_array().map(Vec::len), Some(1));
    }
}
