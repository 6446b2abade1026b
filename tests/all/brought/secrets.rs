//! Secrets of tools go in and are found nowhere again.

use runloom_tests::both_stores;
use serde_json::{Value, json};

use super::{SERVERS, TOOLS, id, new_server, new_tool, setup};

const CANARY: &str = "sk-canary-4f1d6a0c9b7e2358-do-not-show";

/// A body with a secret in each field that takes one.
fn bodies() -> Vec<(&'static str, Value)> {
    let mut bearer = new_server("a", "http://127.0.0.1:9/mcp");
    bearer["auth"] = json!({ "kind": "bearer", "token": CANARY });
    let mut client = new_server("b", "http://127.0.0.1:9/mcp");
    client["auth"] = json!({ "kind": "client_credentials", "client_id": "we",
        "token_url": "http://127.0.0.1:9/token", "client_secret": CANARY });
    let mut tool = new_tool("a", "http://127.0.0.1:9/look");
    tool["signing_secret"] = json!(CANARY);
    tool["secret_header"] = json!({ "name": "authorization", "value": CANARY });
    vec![(SERVERS, bearer), (SERVERS, client), (TOOLS, tool)]
}

both_stores! {
    async fn a_secret_is_in_no_answer_no_log_and_no_file(store: Store) {
        let node = setup(store)
            .variable("RUNLOOM_LOG", "debug,actix_server=warn").start().await;
        let client = node.client();
        let mut answers = Vec::new();
        for (path, body) in bodies() {
            let key = body["key"].as_str().or(body["name"].as_str()).expect("a name");
            for _ in 0..2 {
                answers.push(client.post_once(path, key, &body).await);
            }
            let made = id(&answers.last().expect("an answer").json());
            let own = format!("{path}/{made}");
            answers.push(client.get(&own).await);
            answers.push(client.get(path).await);
            let mut patch = body.clone();
            patch.as_object_mut().expect("an object").remove("key");
            answers.push(client.patch(&own, &patch).await);
            if path == SERVERS {
                answers.push(client.post(&format!("{own}:refresh"), &json!({})).await);
                answers.push(client.get(&format!("{own}/tools")).await);
            }
            let mut bad = body.clone();
            bad["url"] = json!(CANARY);
            answers.push(client.post(path, &bad).await);
        }
        for answer in &answers {
            assert!(!answer.body.contains(&CANARY[..12]), "{}", answer.body);
        }
        let data = std::sync::Arc::clone(node.data());
        let stopped = node.terminate().await;
        let printed = stopped.ended.stdout.iter().chain(&stopped.ended.stderr);
        for line in printed {
            assert!(!line.contains("sk-canary"), "{line}");
        }
        assert_eq!(data.held(&["sk-canary"]).await, [""; 0]);
    }
}
