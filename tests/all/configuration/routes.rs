use reqwest::Method;
use runloom_tests::{both_stores, script, text};
use serde_json::{Value, json};

use super::{ROUTES, credential, id, if_match, refused, route, setup};

both_stores! {
    async fn a_route_is_made_changed_and_deleted(store: Store) {
        let node = setup(store).scripted("main", script([text("1")])).start().await;
        let client = node.client();
        let credential = credential(&client).await;
        let body = json!({
            "credential_id": credential, "model": "big", "priority": 5, "is_default": true,
            "enabled": false, "when": { "persona": "clerk", "metadata": { "tier": "gold" } },
            "prices": { "input": 0.15, "cache_read": "0.075", "output": "0.6", "request": 0.001 },
            "multiplier": "1.25", "context_length": 128_000, "max_output_tokens": 4096,
            "rate": { "requests_per_minute": 60 }, "timeouts": { "idle_ms": 5000 },
            "backoff": { "max_attempts": 2 }, "fallback_route_id": "main",
        });
        let made = client.post(ROUTES, &body).await.expect(201);
        for field in ["credential_id", "model", "priority", "is_default", "enabled", "when",
            "context_length", "max_output_tokens", "fallback_route_id"] {
            assert_eq!(made[field], body[field], "{field}");
        }
        assert_eq!(made["prices"], json!({ "input": 0.15, "cache_read": 0.075,
            "cache_write": 0.15, "output": 0.6, "request": 0.001 }));
        assert_eq!(made["rate"], json!({ "requests_per_minute": 60,
            "tokens_per_minute": null, "concurrency": null }));
        assert_eq!(made["timeouts"], json!({ "header_ms": 60_000, "idle_ms": 5_000,
            "total_ms": 1_800_000 }));
        assert_eq!(made["backoff"], json!({ "max_attempts": 2, "base_ms": 500,
            "cap_ms": 30_000, "asked_cap_ms": 600_000, "max_rate_limited": 20 }));
        assert_eq!((&made["multiplier"], &made["version"]), (&json!(1.25), &json!(1)));
        assert_eq!((&made["provider"], &made["source"]),
            (&json!("openai_chat"), &json!("organisation")));
        let path = format!("{ROUTES}/{}", id(&made));
        let read = client.get(&path).await;
        assert_eq!(read.header("etag"), "\"1\"");
        assert_eq!(read.expect(200), made);

        let change = json!({ "model": "small", "when": null, "prices": null, "enabled": true });
        let changed = client.patch(&path, &change).await;
        assert_eq!(changed.header("etag"), "\"2\"");
        let changed = changed.expect(200);
        let mut expected = made.clone();
        for (field, value) in [("model", json!("small")), ("when", json!(null)),
            ("prices", json!(null)), ("enabled", json!(true)), ("version", json!(2)),
            ("updated_at", changed["updated_at"].clone())] {
            expected[field] = value;
        }
        assert_eq!(changed, expected);

        let tagged = async |method, tag, body| {
            if_match(&client, method, &path, tag, body).await
        };
        let rename = Some(json!({ "model": "other" }));
        tagged(Method::PATCH, "\"1\"", rename.clone()).await
            .expect_error(412, "precondition.failed");
        tagged(Method::PATCH, "\"2\"", rename).await.expect(200);
        tagged(Method::DELETE, "\"2\"", None).await.expect_error(412, "precondition.failed");
        assert_eq!(tagged(Method::DELETE, "\"3\"", None).await.status, 204);
        client.get(&path).await.expect_error(404, "routes.not_found");
        client.delete(&path).await.expect_error(404, "routes.not_found");
    }

    async fn the_platforms_routes_are_shown_and_stay(store: Store) {
        let node = setup(store)
            .scripted("main", script([text("1")]))
            .scripted("spare", script([text("2")]))
            .start()
            .await;
        let client = node.client();
        let credential = credential(&client).await;
        let mut own = Vec::new();
        for _ in 0..3 {
            own.insert(0, route(&client, &credential, json!({})).await);
        }
        let expected: Vec<String> = own.into_iter()
            .chain(["main", "spare"].map(str::to_owned)).collect();
        for limit in 1..=6 {
            let (mut seen, mut path) = (Vec::new(), format!("{ROUTES}?limit={limit}"));
            loop {
                let page = client.get(&path).await;
                let cursor = page.header("x-next-cursor").to_owned();
                let rows = page.expect(200);
                let rows = rows.as_array().expect("an array");
                assert!(rows.len() <= limit);
                seen.extend(rows.iter().map(id));
                if cursor.is_empty() {
                    break;
                }
                path = format!("{ROUTES}?limit={limit}&before={cursor}");
            }
            assert_eq!(seen, expected, "in pages of {limit}");
        }
        let main = client.get(&format!("{ROUTES}/main")).await;
        assert_eq!(main.header("etag"), "");
        let main = main.expect(200);
        assert_eq!((&main["source"], &main["is_default"]), (&json!("platform"), &json!(true)));
        assert_eq!((&main["credential_id"], &main["version"]), (&json!(null), &json!(null)));
        let path = format!("{ROUTES}/main");
        client.patch(&path, &json!({})).await.expect_error(409, "routes.platform");
        client.delete(&path).await.expect_error(409, "routes.platform");
        client.delete(&format!("{ROUTES}/nobody")).await.expect_error(404, "routes.not_found");
    }

    async fn what_can_not_be_a_route_is_named(store: Store) {
        let node = setup(store).scripted("main", script([text("1")])).start().await;
        let client = node.client();
        let nowhere = "0190c9d6-1b6f-7d4e-8f00-000000000000";
        let body = json!({ "credential_id": credential(&client).await, "model": "m" });
        for (field, value) in [
            ("credential_id", json!(nowhere)),
            ("credential_id", json!("x")),
            ("credential_id", json!(null)),
            ("model", json!(null)),
            ("fallback_route_id", json!(nowhere)),
            ("fallback_route_id", json!("nobody")),
            ("when", json!({})),
            ("prices", json!({ "input": -1 })),
            ("prices", json!({ "input": 1, "thinking": 2 })),
            ("priority", json!("high")),
            ("kind", json!("openai_chat")),
        ] {
            let mut bad = body.clone();
            bad[field] = value.clone();
            assert_eq!(refused(&client, Method::POST, ROUTES, &bad).await, [field], "{value}");
        }
        let own = |rows: Value| rows.as_array().expect("an array").iter()
            .filter(|row| row["source"] == "organisation").count();
        assert_eq!(own(client.get(ROUTES).await.expect(200)), 0);
    }

    async fn fallbacks_make_no_circle(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let credential = credential(&client).await;
        let last = route(&client, &credential, json!({})).await;
        let middle = route(&client, &credential, json!({ "fallback_route_id": last })).await;
        let first = route(&client, &credential, json!({ "fallback_route_id": middle })).await;
        let path = format!("{ROUTES}/{last}");
        for circle in [&first, &middle, &last] {
            let change = json!({ "fallback_route_id": circle });
            let named = refused(&client, Method::PATCH, &path, &change).await;
            assert_eq!(named, ["fallback_route_id"]);
        }
        let used = client.delete(&path).await.expect_error(409, "routes.in_use");
        assert_eq!(used["details"], json!({ "routes": 1, "runs": 0 }));
        let free = json!({ "fallback_route_id": null });
        client.patch(&format!("{ROUTES}/{middle}"), &free).await.expect(200);
        assert_eq!(client.delete(&path).await.status, 204);
    }

    async fn a_route_is_made_once(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let credential = credential(&client).await;
        let body = json!({ "credential_id": credential, "model": "m" });
        let first = client.post_once(ROUTES, "k", &body).await;
        let again = async || {
            let again = client.post_once(ROUTES, "k", &body).await;
            assert_eq!(again.header("idempotency-replayed"), "true");
            assert_eq!((again.status, &again.body), (201, &first.body));
        };
        again().await;
        let route = format!("{ROUTES}/{}", id(&first.json()));
        assert_eq!(client.delete(&route).await.status, 204);
        let credential = format!("/v1/llm-credentials/{credential}");
        assert_eq!(client.delete(&credential).await.status, 204);
        again().await;
        client.post_once(ROUTES, "other", &body).await.expect_error(422, "validation.error");
    }
}
