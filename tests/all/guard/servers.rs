//! Addresses of organisations' MCP servers and model providers.

use runloom_tests::{Client, check_ended};
use serde_json::{Value, json};

use super::network::alone;
use super::{INNER, World, id};

/// What can't be registered, and what can: names.
const NAMED: usize = 7;

/// Those that a body makes of which it is a part, of all that lead inside.
async fn made(
    client: &Client,
    path: &str,
    field: &str,
    body: impl Fn(usize, &str) -> Value,
) -> Vec<String> {
    let mut made = Vec::new();
    for (n, url) in INNER.iter().enumerate() {
        let answer = client.post(path, &body(n, url)).await;
        if answer.status == 201 {
            made.push(id(&answer.json()));
            continue;
        }
        let error = answer.expect_error(422, "validation.error");
        assert!(error["details"][field].is_string(), "{url}: {error}");
    }
    made
}

#[test]
fn servers_of_tools_and_models_are_nowhere_inside() {
    alone(
        "guard::servers::servers_of_tools_and_models_are_nowhere_inside",
        async {
            let world = World::start(|setup| setup).await;
            let client = world.node.client();

            let path = "/v1/mcp-servers";
            let body = |n, url: &str| json!({ "key": format!("s{n}"), "url": url });
            let mut servers = made(&client, path, "url", body).await;
            assert_eq!(servers.len(), NAMED);
            let away = json!({ "key": "away", "url": "http://public.test/go/1" });
            servers.push(id(&client.post(path, &away).await.expect(201)));
            for server in servers {
                let asked = client
                    .post(&format!("{path}/{server}:refresh"), &json!({}))
                    .await;
                assert_eq!(asked.expect(200)["ok"], false);
            }

            let path = "/v1/llm-credentials";
            let body = |n, url: &str| json!({ "provider": "openai_chat", "name": format!("c{n}"), "base_url": url });
            let mut credentials = made(&client, path, "base_url", body).await;
            assert_eq!(credentials.len(), NAMED);
            let away = body(INNER.len(), "http://public.test/go/1");
            credentials.push(id(&client.post(path, &away).await.expect(201)));
            for credential in credentials {
                let test = format!("{path}/{credential}:test");
                let test = client.post(&test, &json!({ "model": "m" })).await;
                assert_eq!(test.expect(200)["ok"], false);
                let route = json!({ "credential_id": credential, "model": "m",
                    "backoff": { "max_attempts": 1 } });
                let route = id(&client.post("/v1/llm-routes", &route).await.expect(201));
                let run = client
                    .run(&json!({ "route_id": route, "input": "x" }))
                    .await;
                check_ended(&client.follow(&run).await, "run.failed");
            }
            world.check().await;
        },
    );
}
