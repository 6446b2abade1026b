//! Organisations' tools, called in runs.

use hmac::{Hmac, KeyInit as _, Mac as _};
use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Event, McpServer, both_stores, call, mcp_tool, script, text};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{SERVERS, SIGNING, TOOLS, made, new_server, new_tool, persona, result, setup};

fn signature(timestamp: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(SIGNING.as_bytes());
    let mac = mac
        .expect("a key of any length")
        .chain_update(format!("{timestamp}.{body}"));
    let digest = mac.finalize().into_bytes();
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v1={}", hex.concat())
}

both_stores! {
    async fn an_http_tool_gets_a_signed_call_with_the_key_of_its_effect(store: Store) {
        let there = Provider::start([Reply::whole(200, "it is 7")]).await;
        let calls = script([call("look_up", json!({ "n": 7 })), text("done")]);
        let node = setup(store).scripted("m", calls).start().await;
        let client = node.client();
        let mut body = new_tool("look_up", there.url());
        body["secret_header"] = json!({ "name": "Authorization", "value": "Bearer sk-secret" });
        made(&client, TOOLS, &body).await;
        persona(&client, &["look_*"]).await;
        let result = result(&client).await;
        assert_eq!(result.data["content"], "it is 7");
        let requests = there.requests();
        assert_eq!(requests.len(), 1);
        let (headers, body) = (&requests[0].headers, &requests[0].body);
        assert_eq!(headers["authorization"], "Bearer sk-secret");
        let signed = signature(&headers["runloom-timestamp"], &requests[0].text);
        assert_eq!(headers["runloom-signature"], signed);
        let text = |name: &str| body[name].as_str().expect("a text").to_owned();
        let key = format!("{}/{}", text("run_id"), text("tool_call_id"));
        assert_eq!(headers["idempotency-key"], key);
        assert_eq!(body["tool_call_id"], result.data["tool_call_id"]);
        assert_eq!((&body["tool"], &body["arguments"]), (&json!("look_up"), &json!({ "n": 7 })));
        assert_eq!(body["org_id"], client.get("/v1/me").await.expect(200)["org_id"]);
    }

    async fn an_http_tool_that_fails_is_told_to_the_model(store: Store) {
        let there = Provider::start([Reply::whole(404, "no such order")]).await;
        let calls = script([call("look_up", json!({ "n": 7 })), text("done")]);
        let node = setup(store).scripted("m", calls).start().await;
        let client = node.client();
        made(&client, TOOLS, &new_tool("look_up", there.url())).await;
        persona(&client, &["look_up"]).await;
        let result = result(&client).await;
        assert_eq!(result.data["error"]["error_class"], "tool.failed");
        assert!(result.data["error"]["message"].as_str().is_some_and(|text| text.contains("no such order")));
    }

    async fn tools_of_an_mcp_server_are_called_as_they_were_approved(store: Store) {
        let there = McpServer::start([mcp_tool("get", "G")]).await;
        let calls = script([call("mcp__a__get", json!({})), text("done")]);
        let node = setup(store).scripted("m", calls).start().await;
        let client = node.client();
        let path = made(&client, SERVERS, &new_server("a", there.url())).await;
        persona(&client, &["mcp__a__*"]).await;
        client.post(&format!("{path}:refresh"), &json!({})).await.expect(200);
        assert_eq!(result(&client).await.data["content"], "did \"get\"");
        assert_eq!(there.requests("tools/call").len(), 1);

        there.now_lists([mcp_tool("get", "evil")]);
        client.post(&format!("{path}:refresh"), &json!({})).await.expect(200);
        assert_eq!(result(&client).await.data["error"]["error_class"], "tool.unknown");
        assert_eq!(there.requests("tools/call").len(), 1, "nobody has approved it");
        client.post(&format!("{path}:approve"), &json!({})).await.expect(200);
        assert_eq!(result(&client).await.data["content"], "did \"get\"");
    }

    async fn servers_and_tools_of_a_run_stay(store: Store) {
        let there = McpServer::start([mcp_tool("get", "G")]).await;
        let asks = script([call("ask_user", json!({ "question": "?" })), text("done")]);
        let node = setup(store).scripted("m", asks).start().await;
        let client = node.client();
        let server = made(&client, SERVERS, &new_server("a", there.url())).await;
        client.post(&format!("{server}:refresh"), &json!({})).await.expect(200);
        let tool = made(&client, TOOLS, &new_tool("look_up", "http://127.0.0.1:9/")).await;
        persona(&client, &["ask_user", "mcp__a__get", "look_up"]).await;
        let run = client.run(&json!({ "persona_id": "worker", "input": "x" })).await;
        client.events(&run, "").await.until("run.waiting_for_input").await;
        for (path, code) in [(&server, "mcp_servers.in_use"), (&tool, "http_tools.in_use")] {
            let refused = client.delete(path).await.expect_error(409, code);
            assert_eq!(refused["details"], json!({ "runs": 1 }));
        }
        client.cancel(&run).await.expect(200);
        for path in [&server, &tool] {
            assert_eq!(client.delete(path).await.status, 204);
        }
    }

    async fn tools_are_an_organisations_own(store: Store) {
        let there = Provider::start([Reply::whole(200, "mine")]).await;
        let calls = script([call("look_up", json!({ "n": 7 })), text("done")]);
        let node = setup(store).scripted("m", calls).start().await;
        let client = node.client();
        made(&client, TOOLS, &new_tool("look_up", there.url())).await;
        let stranger = client.stranger("stranger").await;
        let named = json!({ "key": "named", "prompt": "x", "tools": ["look_up"] });
        stranger.post("/v1/personas", &named).await.expect_error(422, "validation.error");
        persona(&stranger, &["look_*"]).await;
        assert_eq!(result(&stranger).await.data["error"]["error_class"], "tool.unknown");
        assert_eq!(there.requests().len(), 0);
    }
}

/// What a tool of the configuration says.
fn configured(url: &str) -> String {
    format!("[[mcp_servers]]\nkey = \"ops\"\nurl = \"{url}\"\nclasses = {{ \"get\" = \"pure\" }}")
}

both_stores! {
    async fn a_server_of_the_configuration_is_everybodys(store: Store) {
        let there = McpServer::start([mcp_tool("get", "G")]).await;
        let calls = script([call("mcp__ops__get", json!({})), text("done")]);
        let node = setup(store).scripted("m", calls).toml(&configured(there.url())).start().await;
        let client = node.client().stranger("stranger").await;
        persona(&client, &["mcp__ops__*"]).await;
        while there.requests("tools/list").is_empty() {
            tokio::task::yield_now().await;
        }
        // The list is there a moment after it was asked for.
        let called = async {
            loop {
                let result = result(&client).await;
                if result.data["error"]["error_class"] != "tool.unknown" {
                    return result;
                }
            }
        };
        let called: Event = runloom_tests::soon("the tools of the server", called).await;
        assert_eq!(called.data["content"], Value::from("did \"get\""));
    }
}
