use reqwest::Method;
use runloom_tests::{Client, McpServer, both_stores, mcp_tool};
use serde_json::{Value, json};

use super::{SERVERS, TOOLS, discovered, id, made, new_server, refused, setup};

/// Asks the server for its tools, which must work.
async fn refreshed(client: &Client, path: &str) -> Value {
    let answer = client.post(&format!("{path}:refresh"), &json!({})).await;
    let body = answer.expect(200);
    assert_eq!((&body["ok"], &body["error"]), (&json!(true), &json!(null)));
    body["tools"].clone()
}

/// Names and states of tools.
fn states(tools: &Value) -> Vec<(String, String)> {
    let tools = tools.as_array().expect("an array").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    tools
        .map(|tool| (text(&tool["tool"]), text(&tool["state"])))
        .collect()
}

fn named<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
    expected
        .map(|(tool, state)| (tool.to_owned(), state.to_owned()))
        .into()
}

both_stores! {
    async fn a_server_is_made_changed_and_deleted(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let auth = json!({ "kind": "client_credentials", "client_id": "we", "scope": "a",
            "client_secret": "sk-secret", "token_url": "http://127.0.0.1:9/token" });
        let mut body = new_server("git-hub", "http://127.0.0.1:9/mcp");
        body["auth"] = auth;
        body["classes"] = json!([{ "tools": "get_*", "class": "pure" }]);
        let server = client.post(SERVERS, &body).await.expect(201);
        assert_eq!((&server["key"], &server["name"]), (&json!("git-hub"), &json!("git-hub")));
        assert_eq!(server["auth"], json!({ "kind": "client_credentials", "client_id": "we",
            "scope": "a", "token_url": "http://127.0.0.1:9/token" }));
        assert_eq!((&server["trusted"], &server["enabled"]), (&json!(false), &json!(true)));
        assert_eq!((&server["call_timeout_ms"], &server["longest_ms"]),
            (&json!(60_000), &json!(600_000)));
        assert_eq!((&server["version"], &server["listed_at"]), (&json!(1), &json!(null)));
        let path = format!("{SERVERS}/{}", id(&server));
        // Nobody is there, and the next try is half a minute away.
        let read = discovered(&client, &path, "failed").await;
        let mut server = server;
        assert_eq!(server["discovery"]["state"], "waiting");
        server["discovery"] = read["discovery"].clone();
        assert_eq!(read, server);
        assert_eq!(client.get(&path).await.header("etag"), "\"1\"");
        assert_eq!(client.get(SERVERS).await.expect(200), json!([server]));
        assert_eq!(client.get(&format!("{path}/tools")).await.expect(200), json!([]));

        let patch = json!({ "name": "other", "classes": null, "auth": null, "trusted": true });
        let stale = client.request(Method::PATCH, &path).header("If-Match", "\"7\"").json(&patch);
        client.send(stale).await.expect_error(412, "precondition.failed");
        let changed = client.patch(&path, &patch).await;
        assert_eq!(changed.header("etag"), "\"2\"");
        let changed = changed.expect(200);
        assert_eq!((&changed["name"], &changed["classes"]), (&json!("other"), &json!([])));
        assert_eq!((&changed["auth"], &changed["trusted"]), (&json!(null), &json!(true)));
        client.post(SERVERS, &body).await.expect_error(409, "mcp_servers.key_taken");
        assert_eq!(client.delete(&path).await.status, 204);
        client.get(&path).await.expect_error(404, "mcp_servers.not_found");
        client.post(SERVERS, &body).await.expect(201);
    }

    async fn what_can_not_be_a_server_is_named(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        for (field, value, told) in [
            ("key", json!("a_b"), "key"),
            ("key", json!("A"), "key"),
            ("key", json!("x".repeat(33)), "key"),
            ("key", json!(null), "key"),
            ("url", json!(null), "url"),
            ("url", json!("ftp://example.org"), "url"),
            ("url", json!("http://169.254.169.254/mcp"), "url"),
            ("url", json!("http://a:b@example.org/"), "url"),
            ("auth", json!("x"), "auth"),
            ("auth", json!({ "kind": "none" }), "auth.kind"),
            ("auth", json!({ "kind": "bearer" }), "auth.token"),
            ("auth", json!({ "kind": "bearer", "token": "a b" }), "auth.token"),
            ("auth", json!({ "kind": "bearer", "token": "a", "scope": "x" }), "auth.scope"),
            ("auth", json!({ "kind": "client_credentials", "client_id": "a", "client_secret": "b",
                "token_url": "http://10.0.0.1/" }), "auth.token_url"),
            ("classes", json!([{ "tools": "a", "class": "twice" }]), "classes"),
            ("call_timeout_ms", json!(0), "call_timeout_ms"),
            ("command", json!("sh"), "command"),
        ] {
            let mut body = new_server("a", "http://127.0.0.1:9/mcp");
            body[field] = value.clone();
            assert_eq!(refused(&client, Method::POST, SERVERS, &body).await, [told], "{value}");
        }
        assert_eq!(client.get(SERVERS).await.expect(200), json!([]));
    }

    async fn changed_tools_wait_to_be_approved(store: Store) {
        let tools = McpServer::start([mcp_tool("get", "G"), mcp_tool("set", "S")]).await;
        let node = setup(store).start().await;
        let client = node.client();
        let mut body = new_server("a", tools.url());
        body["auth"] = json!({ "kind": "bearer", "token": "sk-secret" });
        let path = made(&client, SERVERS, &body).await;
        let first = refreshed(&client, &path).await;
        assert_eq!(states(&first), named([("get", "approved"), ("set", "approved")]));
        assert_eq!(first[0]["approved"]["name"], "mcp__a__get");
        assert_eq!(first[0]["approved"]["class"], "once");
        let asked = tools.requests("tools/list");
        assert_eq!(asked[0].headers["authorization"], "Bearer sk-secret");

        tools.now_lists([mcp_tool("get", "evil"), mcp_tool("new", "N")]);
        let second = refreshed(&client, &path).await;
        assert_eq!(states(&second), named([("get", "changed"), ("new", "new"), ("set", "gone")]));
        assert_eq!(second[0]["approved"]["description"], "G");
        assert_eq!(second[0]["pending"]["description"], "evil");
        let known = client.get(&format!("{path}/tools")).await;
        let tag = known.header("etag").to_owned();
        assert_eq!(known.expect(200), second);

        let approve = format!("{path}:approve");
        let unknown = json!({ "tools": ["nope"] });
        assert_eq!(refused(&client, Method::POST, &approve, &unknown).await, ["tools"]);
        let one = client.request(Method::POST, &approve).header("If-Match", &tag)
            .json(&json!({ "tools": ["new"] }));
        let third = client.send(one).await.expect(200);
        assert_eq!(states(&third), named([("get", "changed"), ("new", "approved"), ("set", "gone")]));
        let late = client.request(Method::POST, &approve).header("If-Match", &tag);
        client.send(late).await.expect_error(412, "precondition.failed");
        let all = client.send(client.request(Method::POST, &approve)).await.expect(200);
        assert_eq!(states(&all), named([("get", "approved"), ("new", "approved"), ("set", "gone")]));
        assert_eq!(all[0]["approved"]["description"], "evil");
    }

    async fn a_server_that_is_not_there_is_told(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let path = made(&client, SERVERS, &new_server("a", "http://127.0.0.1:9/mcp")).await;
        let answer = client.post(&format!("{path}:refresh"), &json!({})).await.expect(200);
        assert_eq!((&answer["ok"], &answer["tools"]), (&json!(false), &json!(null)));
        assert_eq!(answer["error"]["error_class"], "tool.unavailable");
        assert_eq!(client.get(&path).await.expect(200)["listed_at"], json!(null));
    }

    async fn a_secret_does_not_go_to_another_address_by_itself(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let mut body = new_server("a", "http://127.0.0.1:9/mcp");
        body["auth"] = json!({ "kind": "bearer", "token": "sk-secret" });
        let path = made(&client, SERVERS, &body).await;
        let elsewhere = json!({ "url": "https://evil.example.org/mcp" });
        assert_eq!(refused(&client, Method::PATCH, &path, &elsewhere).await, ["auth"]);
        let mut both = elsewhere.clone();
        both["auth"] = json!({ "kind": "bearer", "token": "sk-another" });
        let changed = client.patch(&path, &both).await.expect(200);
        assert_eq!(changed["url"], elsewhere["url"]);
    }

    async fn a_server_is_made_once(store: Store) {
        let node = setup(store).start().await;
        let client = node.client();
        let body = new_server("a", "http://127.0.0.1:9/mcp");
        let first = client.post_once(SERVERS, "k", &body).await;
        let again = client.post_once(SERVERS, "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!((again.status, &again.body), (201, &first.body));
        let other = new_server("b", "http://127.0.0.1:9/mcp");
        client.post_once(SERVERS, "k", &other).await
            .expect_error(409, "idempotency.key_reused");
        assert_eq!(client.get(SERVERS).await.expect(200).as_array().map(Vec::len), Some(1));
    }

    async fn only_those_who_may_see_tools(store: Store) {
        let node = setup(store).start().await;
        let owner = node.client();
        let key = json!({ "name": "k", "scopes": ["runs.read", "runs.write", "routes.manage"] });
        let key = owner.post("/v1/api-keys", &key).await.expect(201);
        let other = Client::new(node.base(), key["key"].as_str().expect("a key"));
        for path in [SERVERS, TOOLS] {
            let forbidden = other.get(path).await.expect_error(403, "auth.forbidden");
            assert_eq!(forbidden["details"]["permission"], "tools.manage");
        }
    }
}
