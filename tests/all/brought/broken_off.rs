//! Calls that were sent and whose end nobody knows.

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Client, McpServer, Store, both_stores, call, mcp_tool, script, text};
use serde_json::{Value, json};

use super::{SERVERS, TOOLS, discovered, made, new_server, new_tool, persona, result, setup};

/// What a person is asked about the call of a run.
async fn question(client: &Client) -> Value {
    let body = json!({ "persona_id": "worker", "input": "x" });
    let run = client.run(&body).await;
    let mut events = client.events(&run, "").await;
    let events = events.until("run.waiting_for_input").await;
    let waiting = events.last().expect("it waits");
    assert!(events.iter().all(|event| event.kind != "tool.result"));
    waiting.data["requests"][0].clone()
}

/// A server whose tool never answers, with a class for it.
async fn hanging(client: &Client, there: &McpServer, class: &str) {
    let mut server = new_server("a", there.url());
    server["call_timeout_ms"] = json!(300);
    server["classes"] = json!([{ "tools": "*", "class": class }]);
    let path = made(client, SERVERS, &server).await;
    discovered(client, &path, "ok").await;
    persona(client, &["mcp__a__*"]).await;
}

async fn calling(store: Store, tool: &str) -> runloom_tests::Node {
    let calls = script([call(tool, json!({})), text("done")]);
    setup(store).scripted("m", calls).start().await
}

both_stores! {
    async fn a_person_is_asked_about_what_must_not_happen_twice(store: Store) {
        let there = McpServer::start([mcp_tool("hang", "H")]).await;
        let node = calling(store, "mcp__a__hang").await;
        let client = node.client();
        hanging(&client, &there, "once").await;
        assert_eq!(question(&client).await["kind"], "tool_outcome_unknown");
        assert_eq!(there.requests("tools/call").len(), 1);
    }

    async fn the_model_is_told_of_what_may(store: Store) {
        let there = McpServer::start([mcp_tool("hang", "H")]).await;
        let node = calling(store, "mcp__a__hang").await;
        let client = node.client();
        hanging(&client, &there, "keyed").await;
        assert_eq!(result(&client).await.data["error"]["error_class"], "tool.timeout");
    }

    async fn an_http_tool_is_no_exception(store: Store) {
        let silent = Provider::start([Reply::Silence]).await;
        let node = calling(store, "look_up").await;
        let client = node.client();
        let mut tool = new_tool("look_up", silent.url());
        tool["timeout_ms"] = json!(300);
        made(&client, TOOLS, &tool).await;
        persona(&client, &["look_up"]).await;
        assert_eq!(question(&client).await["kind"], "tool_outcome_unknown");
        assert_eq!(silent.requests().len(), 1);
    }
}
