//! Servers are asked for their tools without anybody's word.

use std::time::{Duration, Instant};

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{McpServer, both_stores, call, mcp_tool, script, soon, text};
use serde_json::json;

use super::{SERVERS, discovered, made, new_server, persona, result, setup, until};

both_stores! {
    async fn a_new_server_is_asked_and_so_is_one_that_is_switched_on(store: Store) {
        let there = McpServer::start([mcp_tool("get", "G")]).await;
        let calls = script([call("mcp__a__get", json!({})), text("done")]);
        let node = setup(store).scripted("m", calls).start().await;
        let client = node.client();
        let path = made(&client, SERVERS, &new_server("a", there.url())).await;
        let server = discovered(&client, &path, "ok").await;
        assert_eq!(server["discovery"]["error"], json!(null));
        assert_eq!(server["discovery"]["asked_at"], server["listed_at"]);
        persona(&client, &["mcp__a__*"]).await;
        assert_eq!(result(&client).await.data["content"], "did \"get\"");
        let off = client.patch(&path, &json!({ "enabled": false })).await.expect(200);
        assert_eq!(off["discovery"], json!({ "state": "off", "asked_at": null, "error": null }));
        let asked = there.requests("tools/list").len();
        client.patch(&path, &json!({ "enabled": true })).await.expect(200);
        discovered(&client, &path, "ok").await;
        assert!(there.requests("tools/list").len() > asked);
    }

    async fn a_server_that_is_not_there_is_told_and_holds_up_no_run(store: Store) {
        let silent = Provider::start([Reply::Silence]).await;
        let calls = script([text("done")]);
        let node = setup(store).scripted("m", calls).start().await;
        let client = node.client();
        persona(&client, &["mcp__*"]).await;
        made(&client, SERVERS, &new_server("b", silent.url())).await;
        silent.request(1).await;
        let begun = Instant::now();
        let body = json!({ "persona_id": "worker", "input": "x" });
        let run = client.run(&body).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "it waited for the server");
        client.follow(&run).await;
        let path = made(&client, SERVERS, &new_server("a", "http://127.0.0.1:9/mcp")).await;
        let failed = discovered(&client, &path, "failed").await;
        assert_eq!(failed["discovery"]["error"]["error_class"], "tool.unavailable");
        assert_eq!((&failed["listed_at"], &failed["version"]), (&json!(null), &json!(1)));
        let there = McpServer::start([mcp_tool("get", "G")]).await;
        client.patch(&path, &json!({ "url": there.url() })).await.expect(200);
        discovered(&client, &path, "ok").await;
    }

    async fn a_server_that_says_so_is_asked_again(store: Store) {
        let there = McpServer::start([mcp_tool("get", "G")]).await;
        let calls = script([call("mcp__a__get", json!({})), text("done")]);
        let node = setup(store).scripted("m", calls).start().await;
        let client = node.client();
        let path = made(&client, SERVERS, &new_server("a", there.url())).await;
        discovered(&client, &path, "ok").await;
        persona(&client, &["mcp__a__*"]).await;
        there.now_lists_and_tells([mcp_tool("get", "G"), mcp_tool("set", "S")]);
        assert_eq!(result(&client).await.data["content"], "did \"get\"");
        let tools = until(&client, &format!("{path}/tools"), |tools| !tools[1].is_null()).await;
        assert_eq!((&tools[1]["tool"], &tools[1]["state"]), (&json!("set"), &json!("new")));
    }

    async fn a_list_that_is_used_grows_no_older_than_it_may(store: Store) {
        let there = McpServer::start([mcp_tool("get", "G")]).await;
        let calls = script([text("done")]);
        let node = setup(store).scripted("m", calls)
            .variable("RUNLOOM_MCP_REFRESH_SECONDS", "1").start().await;
        let client = node.client();
        let path = made(&client, SERVERS, &new_server("a", there.url())).await;
        let before = discovered(&client, &path, "ok").await;
        persona(&client, &["mcp__a__*"]).await;
        let using = async {
            loop {
                client.follow(&client.run(&json!({ "persona_id": "worker" })).await).await;
                let server = client.get(&path).await;
                let tag = server.header("etag").to_owned();
                let server = server.expect(200);
                if server["listed_at"] != before["listed_at"] {
                    assert_eq!(tag, format!("\"{}\"", before["version"]), "it lists the same");
                    return;
                }
            }
        };
        soon("another list", using).await;
    }
}
