use reqwest::Method;
use runloom_tests::both_stores;
use serde_json::json;

use super::{CREDENTIALS, credential, id, if_match, new_credential, refused, route, setup};

both_stores! {
    async fn a_credential_is_made_changed_and_deleted(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let mut body = new_credential();
        body["api_key"] = json!("sk-0123456789012345678901234567890");
        let made = client.post(CREDENTIALS, &body).await.expect(201);
        assert_eq!(made["provider"], "openai_chat");
        assert_eq!((&made["has_key"], &made["key_prefix"]), (&json!(true), &json!("sk-012")));
        assert_eq!((&made["version"], &made["name"]), (&json!(1), &json!("main")));
        let path = format!("{CREDENTIALS}/{}", id(&made));
        let read = client.get(&path).await;
        assert_eq!(read.header("etag"), "\"1\"");
        assert_eq!(read.expect(200), made);
        assert_eq!(client.get(CREDENTIALS).await.expect(200), json!([made]));

        let changed = client.patch(&path, &json!({ "name": "other" })).await;
        assert_eq!(changed.header("etag"), "\"2\"");
        let changed = changed.expect(200);
        assert_eq!((&changed["name"], &changed["has_key"]), (&json!("other"), &json!(true)));
        assert_eq!(changed["base_url"], made["base_url"]);
        assert!(changed["updated_at"].as_str() >= made["updated_at"].as_str());
        let short = client.patch(&path, &json!({ "api_key": "short" })).await.expect(200);
        assert_eq!((&short["has_key"], &short["key_prefix"]), (&json!(true), &json!(null)));
        let keyless = client.patch(&path, &json!({ "api_key": null })).await.expect(200);
        assert_eq!(keyless["has_key"], false);

        assert_eq!(client.delete(&path).await.status, 204);
        client.get(&path).await.expect_error(404, "credentials.not_found");
        client.delete(&path).await.expect_error(404, "credentials.not_found");
        client.patch(&path, &json!({})).await.expect_error(404, "credentials.not_found");
    }

    async fn a_change_is_of_what_was_seen(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let path = format!("{CREDENTIALS}/{}", credential(&client).await);
        let rename = |tag: &'static str, name: &'static str| {
            let (client, path) = (client.clone(), path.clone());
            async move {
                let body = Some(json!({ "name": name }));
                if_match(&client, Method::PATCH, &path, tag, body).await
            }
        };
        rename("\"1\"", "a").await.expect(200);
        rename("\"1\"", "b").await.expect_error(412, "precondition.failed");
        rename("W/\"2\"", "b").await.expect_error(412, "precondition.failed");
        rename("\"7\", \"2\"", "b").await.expect_error(412, "precondition.failed");
        assert_eq!(client.get(&path).await.expect(200)["name"], "a");
        rename("*", "c").await.expect(200);
        rename("\"1\", \"3\"", "d").await.expect(200);
        let delete = async |tag| if_match(&client, Method::DELETE, &path, tag, None).await;
        delete("\"3\"").await.expect_error(412, "precondition.failed");
        assert_eq!(delete("\"4\"").await.status, 204);
    }

    async fn what_can_not_be_a_credential_is_named(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        for (field, value) in [
            ("provider", json!("nobody")),
            ("provider", json!("scripted")),
            ("name", json!("")),
            ("name", json!(null)),
            ("api_key", json!("a b")),
            ("api_key", json!("a\nb")),
            ("api_key", json!("")),
            ("api_key", json!(7)),
            ("base_url", json!(null)),
            ("base_url", json!("models.example.org/v1")),
            ("base_url", json!("ftp://models.example.org")),
            ("base_url", json!("file:///etc/passwd")),
            ("base_url", json!("http://user:secret@models.example.org/v1")),
            ("base_url", json!("http://models.example.org/v1?key=secret")),
            ("base_url", json!("http://169.254.169.254/latest")),
            ("base_url", json!("http://[::1]:8000/v1")),
            ("apikey", json!("x")),
        ] {
            let mut body = new_credential();
            body[field] = value.clone();
            assert_eq!(refused(&client, Method::POST, CREDENTIALS, &body).await, [field], "{value}");
        }
        assert_eq!(client.get(CREDENTIALS).await.expect(200), json!([]));
    }

    async fn a_key_does_not_go_to_another_address_by_itself(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let mut body = new_credential();
        body["api_key"] = json!("sk-secret");
        let path = format!("{CREDENTIALS}/{}",
            id(&client.post(CREDENTIALS, &body).await.expect(201)));
        let elsewhere = json!({ "base_url": "https://evil.example.org/v1" });
        assert_eq!(refused(&client, Method::PATCH, &path, &elsewhere).await, ["api_key"]);
        let mut both = elsewhere.clone();
        both["api_key"] = json!("sk-another");
        let changed = client.patch(&path, &both).await.expect(200);
        assert_eq!(changed["base_url"], elsewhere["base_url"]);
        let nowhere = json!({ "base_url": null, "api_key": "sk-another" });
        assert_eq!(refused(&client, Method::PATCH, &path, &nowhere).await, ["base_url"]);
    }

    async fn a_credential_of_a_route_stays(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let credential = credential(&client).await;
        let route = route(&client, &credential, json!({})).await;
        let path = format!("{CREDENTIALS}/{credential}");
        let used = client.delete(&path).await.expect_error(409, "credentials.in_use");
        assert_eq!(used["details"], json!({ "routes": 1, "runs": 0 }));
        assert_eq!(client.delete(&format!("/v1/llm-routes/{route}")).await.status, 204);
        assert_eq!(client.delete(&path).await.status, 204);
    }

    async fn a_credential_is_made_once(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let mut body = new_credential();
        body["api_key"] = json!("sk-secret");
        let first = client.post_once(CREDENTIALS, "k", &body).await;
        let again = client.post_once(CREDENTIALS, "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!((again.status, &again.body), (201, &first.body));
        body["api_key"] = json!("sk-other");
        client.post_once(CREDENTIALS, "k", &body).await
            .expect_error(409, "idempotency.key_reused");
        let all = client.get(CREDENTIALS).await.expect(200);
        assert_eq!(all.as_array().map(Vec::len), Some(1));
    }

    async fn only_those_who_may_see_credentials_and_routes(store: Store) {
        let node = setup(store).start().await;
        let owner = node.client();
        let key = json!({ "name": "k", "scopes": ["runs.read", "runs.write", "keys.manage"] });
        let key = owner.post("/v1/api-keys", &key).await.expect(201);
        let other = runloom_tests::Client::new(node.base(), key["key"].as_str().expect("a key"));
        for path in [CREDENTIALS, "/v1/llm-routes", "/v1/llm-routes/demo"] {
            let forbidden = other.get(path).await.expect_error(403, "auth.forbidden");
            assert_eq!(forbidden["details"]["permission"], "routes.manage");
        }
        other.get("/v1/personas").await.expect(200);
        let persona = json!({ "key": "a", "prompt": "x" });
        let forbidden = other.post("/v1/personas", &persona).await;
        let forbidden = forbidden.expect_error(403, "auth.forbidden");
        assert_eq!(forbidden["details"]["permission"], "personas.manage");
    }
}
