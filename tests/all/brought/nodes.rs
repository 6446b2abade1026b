//! What one node is told of a server, the other knows soon.

use std::time::{Duration, Instant};

use runloom_tests::{Client, MASTER_KEY, McpServer, Store, call, mcp_tool, script, text};
use serde_json::json;

use super::{SERVERS, discovered, made, new_server, persona, result, setup};

/// How long another node may take to know.
const LATEST: Duration = Duration::from_secs(10);

/// Begins runs until their call comes to this: an output, or the class of an error.
async fn comes_to(client: &Client, expected: &str) {
    let begun = Instant::now();
    loop {
        let data = result(client).await.data;
        if data["content"] == expected || data["error"]["error_class"] == expected {
            return;
        }
        assert!(begun.elapsed() < LATEST, "it still says {data}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_knows_the_tools_of_a_server_and_that_it_is_switched_off() {
    let there = McpServer::start([mcp_tool("get", "G")]).await;
    let calls = script([call("mcp__a__set", json!({})), text("done")]);
    let first = setup(Store::Postgres)
        .scripted("m", calls)
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .start()
        .await;
    let second = first.peer("second").await;
    let here = first.client();
    let other = here.at(second.base());
    let mut server = new_server("a", there.url());
    server["approve_new"] = json!(true);
    let path = made(&here, SERVERS, &server).await;
    discovered(&other, &path, "ok").await;
    persona(&here, &["mcp__a__*"]).await;
    comes_to(&other, "tool.unknown").await;

    there.now_lists([mcp_tool("get", "G"), mcp_tool("set", "S")]);
    let refresh = format!("{path}:refresh");
    here.post(&refresh, &json!({})).await.expect(200);
    comes_to(&other, "did \"set\"").await;

    let off = json!({ "enabled": false });
    here.patch(&path, &off).await.expect(200);
    comes_to(&other, "tool.unknown").await;
    let on = json!({ "enabled": true });
    other.patch(&path, &on).await.expect(200);
    comes_to(&here, "did \"set\"").await;
}
