//! An organisation that has something of each kind that an export takes along.

use runloom_store_sql::testing::exported;
use runloom_tests::{Client, Data, McpServer, mcp_tool};
use serde_json::{Value, json};

use super::id;

/// What must be in no export.
pub(super) const SECRETS: [&str; 5] = [
    "sk-canary-of-a-provider",
    "canary-bearer",
    "whsec-canary-0123",
    "argon2",
    "canary-that-expired",
];

/// A server of tools, as one of them is approved.
pub(super) async fn tools() -> McpServer {
    McpServer::guarded([mcp_tool("read", "Reads.")], SECRETS[1]).await
}

/// One of each thing that an organisation configures, with secrets where there are such.
pub(super) async fn configure(client: &Client, tools: &McpServer) {
    let credential = json!({
        "provider": "openai_chat", "name": "main", "base_url": "http://127.0.0.1:9/v1",
        "api_key": SECRETS[0],
    });
    let credential = created(client, "/v1/llm-credentials", &credential).await;
    let route = json!({ "credential_id": credential["id"], "model": "big" });
    created(client, "/v1/llm-routes", &route).await;
    for key in ["clerk", "gone"] {
        let persona = json!({ "key": key, "prompt": "Be brief." });
        created(client, "/v1/personas", &persona).await;
    }
    let next = json!({ "prompt": "Be long." });
    created(client, "/v1/personas/clerk/versions", &next).await;
    client.delete("/v1/personas/gone").await.expect(204);
    let server = json!({
        "key": "files", "url": tools.url(), "auth": { "kind": "bearer", "token": SECRETS[1] },
    });
    let server = created(client, "/v1/mcp-servers", &server).await;
    let refresh = format!("/v1/mcp-servers/{}:refresh", id(&server["id"]));
    let listed = client.post_nothing(&refresh).await.expect(200);
    assert_eq!(listed["ok"], true, "{listed}");
    let tool = json!({
        "name": "look_up", "description": "Looks it up.", "url": "http://127.0.0.1:9/",
        "signing_secret": SECRETS[2], "schema": { "type": "object" },
    });
    created(client, "/v1/http-tools", &tool).await;
    let top_up = json!({ "credits": 100_000, "note": "a gift" });
    created(client, "/v1/credits:topup", &top_up).await;
    let budget = json!({
        "scope": "organisation", "period": "month", "max_cost_usd": 10, "max_tokens": 9_000_000,
    });
    created(client, "/v1/budgets", &budget).await;
    let invitation = json!({ "email": "later@example.com", "role": "member" });
    created(client, "/v1/invitations", &invitation).await;
    let thread = client.thread().await;
    let deleted = client.delete(&format!("/v1/threads/{thread}")).await;
    deleted.expect(204);
}

async fn created(client: &Client, path: &str, body: &Value) -> Value {
    client.post(path, body).await.expect(201)
}

/// What can't be made by calls, once there are runs and nobody uses the database.
pub(super) async fn complete(data: &Data) {
    data.change(include_str!("rest.sql")).await;
}

/// A field that no line has a value for would be the same elsewhere whatever becomes of it.
pub(super) fn says_everything(text: &str) {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for (kind, fields) in exported() {
        let of_kind = || lines.iter().filter(|line| line["type"] == kind);
        assert!(of_kind().next().is_some(), "there is no {kind}");
        for field in fields {
            let is_said = of_kind().any(|line| !line[field].is_null());
            assert!(is_said, "no {kind} has a {field}");
        }
    }
}
