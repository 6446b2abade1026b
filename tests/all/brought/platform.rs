//! Servers of the configuration file, and how organisations see them; servers that want tokens.

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Event, McpServer, both_stores, call, mcp_tool, script, soon, text};
use serde_json::json;

use super::{SERVERS, discovered, made, new_server, persona, result, setup, until};

/// A server by standard streams, which repeats its arguments.
fn local() -> String {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/tools/tests/mcp/faulty.py"
    );
    format!(
        "[[mcp_servers]]\nkey = \"local\"\ncommand = \"python3\"\nargs = [\"{script}\", \"none\"]\n\
         env = {{ PYTHONDONTWRITEBYTECODE = \"1\" }}\nclasses = {{ \"echo\" = \"pure\" }}"
    )
}

both_stores! {
    async fn a_program_of_the_configuration_is_called_and_shown(store: Store) {
        let calls = script([call("mcp__local__echo", json!({ "a": 1 })), text("done")]);
        let node = setup(store).scripted("m", calls).toml(&local()).start().await;
        let client = node.client();
        let path = format!("{SERVERS}/local");
        let server = discovered(&client, &path, "ok").await;
        assert_eq!((&server["id"], &server["source"]), (&json!("local"), &json!("platform")));
        assert_eq!((&server["url"], &server["version"]), (&json!(null), &json!(null)));
        assert!(!server.to_string().contains("python3"), "the command is the operator's");
        persona(&client, &["mcp__local__*"]).await;
        let called: Event = soon("the program", result(&client)).await;
        assert_eq!(called.data["content"], "{\"a\": 1}");
        let tools = until(&client, &format!("{path}/tools"), |_| true).await;
        assert_eq!((&tools[0]["tool"], &tools[0]["state"]), (&json!("echo"), &json!("approved")));
        assert_eq!(tools[0]["approved"]["class"], "pure");
        assert_eq!(client.get(SERVERS).await.expect(200), json!([server]));
        client.patch(&path, &json!({})).await.expect_error(409, "mcp_servers.platform");
        client.delete(&path).await.expect_error(409, "mcp_servers.platform");
        for verb in ["refresh", "approve"] {
            client.post(&format!("{path}:{verb}"), &json!({})).await
                .expect_error(409, "mcp_servers.platform");
        }
        client.get(&format!("{SERVERS}/other")).await.expect_error(404, "mcp_servers.not_found");
        client.delete(&format!("{SERVERS}/other")).await
            .expect_error(404, "mcp_servers.not_found");
    }

    async fn a_token_is_fetched_and_shown(store: Store) {
        let token = json!({ "access_token": "at-7", "token_type": "Bearer", "expires_in": 3600 });
        let authority = Provider::start([Reply::whole(200, &token.to_string())]).await;
        let there = McpServer::guarded([mcp_tool("get", "G")], "at-7").await;
        let calls = script([call("mcp__a__get", json!({})), text("done")]);
        let node = setup(store).scripted("m", calls).start().await;
        let client = node.client();
        let mut server = new_server("a", there.url());
        server["auth"] = json!({ "kind": "client_credentials", "client_id": "we", "scope": "tools",
            "client_secret": "sk-secret", "token_url": authority.url() });
        let path = made(&client, SERVERS, &server).await;
        discovered(&client, &path, "ok").await;
        let asked = authority.request(1).await;
        assert_eq!(asked.headers["authorization"], "Basic d2U6c2stc2VjcmV0");
        assert!(asked.text.contains("grant_type=client_credentials"), "{}", asked.text);
        assert!(asked.text.contains("scope=tools"), "{}", asked.text);
        persona(&client, &["mcp__a__*"]).await;
        assert_eq!(result(&client).await.data["content"], "did \"get\"");
        let shown = &there.requests("tools/call")[0].headers["authorization"];
        assert_eq!(shown, "Bearer at-7");

        authority.now_replies([Reply::whole(401, "{}")]);
        let wrong = json!({ "auth": { "kind": "client_credentials", "client_id": "we",
            "client_secret": "wrong", "token_url": authority.url() } });
        client.patch(&path, &wrong).await.expect(200);
        let failed = discovered(&client, &path, "failed").await;
        assert_eq!(failed["discovery"]["error"]["error_class"], "tool.unavailable");
    }
}
