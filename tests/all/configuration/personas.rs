use reqwest::Method;
use runloom_tests::both_stores;
use serde_json::{Value, json};

use super::{PERSONAS, if_match, refused, setup};

fn names(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().expect("an array").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    rows.map(|row| format!("{}@{}", text(&row["key"]), text(&row["version"])))
        .collect()
}

both_stores! {
    async fn a_persona_is_made_and_changed_by_new_versions(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let body = json!({
            "key": "clerk", "prompt": "Be brief.", "model": "big", "route_id": "demo",
            "tools": ["calculator", "ask_user"],
            "http_allow": ["api.example.com", "https://example.org/docs/*"],
            "approvals": { "default": "ask", "tools": { "calculator": "auto" } },
            "limits": { "max_steps": 3, "max_cost_usd": "0.25" }, "temperature": 0.5,
            "top_p": 0.9, "stop": ["END"], "reasoning_effort": "low",
            "response_format": { "name": "sum", "schema": { "type": "object" } },
            "on_overflow": "summarise", "prompt_caching": false,
        });
        let made = client.post(PERSONAS, &body).await.expect(201);
        for field in ["key", "prompt", "model", "route_id", "tools", "http_allow", "approvals", "temperature",
            "top_p", "stop", "reasoning_effort", "response_format", "on_overflow",
            "prompt_caching"] {
            assert_eq!(made[field], body[field], "{field}");
        }
        assert_eq!(made["limits"], json!({ "max_steps": 3, "max_output_tokens": 0,
            "max_cost_usd": 0.25, "timeout_seconds": 0, "waiting_seconds": 86_400,
            "max_identical_calls": 10, "max_depth": 3, "max_children": 8 }));
        assert_eq!((&made["version"], &made["source"], &made["is_default"]),
            (&json!("1"), &json!("organisation"), &json!(false)));
        let path = format!("{PERSONAS}/clerk");
        let read = client.get(&path).await;
        assert_eq!(read.header("etag"), "\"1\"");
        assert_eq!(read.expect(200), made);
        client.post(PERSONAS, &body).await.expect_error(409, "personas.taken");

        let versions = format!("{path}/versions");
        let plain = json!({ "prompt": "Be briefer." });
        let second = client.post(&versions, &plain).await.expect(201);
        assert_eq!((&second["version"], &second["tools"]), (&json!("2"), &json!([])));
        assert_eq!(second["created_at"], made["created_at"]);
        let winter = json!({ "prompt": "Brr.", "version": "winter" });
        client.post(&versions, &winter).await.expect(201);
        for taken in ["winter", "1", "3"] {
            let again = json!({ "prompt": "x", "version": taken });
            client.post(&versions, &again).await.expect_error(409, "personas.version_taken");
        }
        assert_eq!(client.get(&path).await.expect(200)["version"], "winter");
        let first = client.get(&format!("{versions}/1")).await;
        assert_eq!(first.expect(200)["prompt"], "Be brief.");
        client.get(&format!("{versions}/9")).await.expect_error(404, "personas.not_found");
        let page = client.get(&format!("{versions}?limit=2")).await;
        let cursor = page.header("x-next-cursor").to_owned();
        assert_eq!(names(&page.expect(200)), ["clerk@winter", "clerk@2"]);
        let page = client.get(&format!("{versions}?limit=2&before={cursor}")).await;
        assert_eq!(names(&page.expect(200)), ["clerk@1"]);

        let tagged = async |method, path: &str, tag, body| {
            if_match(&client, method, path, tag, body).await
        };
        tagged(Method::POST, &versions, "\"2\"", Some(plain.clone())).await
            .expect_error(412, "precondition.failed");
        tagged(Method::POST, &versions, "\"3\"", Some(plain)).await.expect(201);
        tagged(Method::DELETE, &path, "\"3\"", None).await
            .expect_error(412, "precondition.failed");
        assert_eq!(tagged(Method::DELETE, &path, "\"4\"", None).await.status, 204);
        for gone in [&path, &versions, &format!("{versions}/1")] {
            client.get(gone).await.expect_error(404, "personas.not_found");
        }
        let again = client.post(PERSONAS, &body).await.expect(201);
        assert_eq!(again["version"], "5", "names are not used again");
    }

    async fn the_platforms_personas_are_shown_and_give_way(store: Store) {
        let node = setup(store)
            .toml("[[personas]]\nkey = \"house\"\nversion = \"1\"\nprompt = \"a house secret\"\n\
                [[personas]]\nkey = \"house\"\nversion = \"2\"\nprompt = \"a house secret\"")
            .start().await;
        let client = node.client();
        let house = client.get(&format!("{PERSONAS}/house")).await;
        assert_eq!(house.header("etag"), "");
        assert!(!house.body.contains("secret"), "the operator's prompt is their own");
        let house = house.expect(200);
        assert_eq!((&house["version"], &house["source"], &house["prompt"]),
            (&json!("2"), &json!("platform"), &json!(null)));
        let versions = format!("{PERSONAS}/house/versions");
        assert_eq!(names(&client.get(&versions).await.expect(200)), ["house@2", "house@1"]);
        client.get(&format!("{versions}/1")).await.expect(200);
        let plain = json!({ "prompt": "mine" });
        client.post(&versions, &plain).await.expect_error(409, "personas.platform");
        client.delete(&format!("{PERSONAS}/house")).await.expect_error(409, "personas.platform");
        client.delete(&format!("{PERSONAS}/nobody")).await
            .expect_error(404, "personas.not_found");
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        client.post(&path, &json!({ "persona_id": "house@2", "on_busy": "enqueue" })).await
            .expect(201);

        let own = json!({ "key": "house", "prompt": "mine" });
        client.post(PERSONAS, &own).await.expect(201);
        assert_eq!(client.get(&format!("{PERSONAS}/house")).await.expect(200)["prompt"], "mine");
        client.get(&format!("{versions}/2")).await.expect_error(404, "personas.not_found");
        let hidden = json!({ "persona_id": "house@2", "on_busy": "enqueue" });
        client.post(&path, &hidden).await.expect_error(422, "personas.not_found");
    }

    async fn what_can_not_be_a_persona_is_named(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let large = "x".repeat(64 * 1024 + 1);
        for (field, value) in [
            ("key", json!("a b")),
            ("key", json!(null)),
            ("version", json!("a@b")),
            ("prompt", json!(null)),
            ("prompt", json!(large)),
            ("route_id", json!("nowhere")),
            ("tools", json!(["no_such_tool"])),
            ("tools", json!(["calculator", "calculator"])),
            ("approvals", json!({ "tools": { "calculator": "ask" } })),
            ("approvals", json!({ "default": "perhaps" })),
            ("limits", json!({ "max_cost_usd": -1 })),
            ("limits", json!({ "max_stops": 1 })),
            ("temperature", json!(2.5)),
            ("top_p", json!(-0.1)),
            ("stop", json!([""])),
            ("reasoning_effort", json!("endless")),
            ("response_format", json!({ "schema": { "type": "nothing" } })),
            ("response_format", json!({ "schema": { "$ref": "http://example.org/" } })),
            ("response_format", json!({ "name": "a b", "schema": {} })),
            ("on_overflow", json!("explode")),
            ("http_allow", json!(["ftp://a.example"])),
            ("prompt_caching", json!("yes")),
            ("temprature", json!(1)),
        ] {
            let mut bad = json!({ "key": "clerk", "prompt": "x" });
            bad[field] = value.clone();
            assert_eq!(refused(&client, Method::POST, PERSONAS, &bad).await, [field], "{value}");
        }
        client.get(&format!("{PERSONAS}/clerk")).await.expect_error(404, "personas.not_found");
        let most = json!({ "key": "clerk", "prompt": "x".repeat(64 * 1024) });
        client.post(PERSONAS, &most).await.expect(201);
    }

    async fn a_version_is_made_once(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let body = json!({ "key": "clerk", "prompt": "x" });
        let first = client.post_once(PERSONAS, "k", &body).await;
        let again = client.post_once(PERSONAS, "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!((again.status, &again.body), (201, &first.body));
        let versions = format!("{PERSONAS}/clerk/versions");
        let body = json!({ "prompt": "y" });
        let first = client.post_once(&versions, "k", &body).await;
        let again = client.post_once(&versions, "k", &body).await;
        assert_eq!((again.status, &again.body), (201, &first.body));
        assert_eq!(first.expect(201)["version"], "2");
        assert_eq!(names(&client.get(&versions).await.expect(200)), ["clerk@2", "clerk@1"]);
    }
}
