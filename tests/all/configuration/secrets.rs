//! A provider's key goes in and is found nowhere again.

use reqwest::Method;
use runloom_tests::both_stores;
use serde_json::json;

use super::{CREDENTIALS, id, new_credential, setup};

const CANARY: &str = "sk-canary-4f1d6a0c9b7e2358-do-not-show";
const SECOND: &str = "sk-canary-aa00bb11cc22dd33-do-not-show";

both_stores! {
    async fn a_key_is_in_no_answer_no_log_and_no_file(store: Store) {
        let node = setup(store)
            .variable("RUNLOOM_LOG", "debug,actix_server=warn").start().await;
        let client = node.client();
        let mut body = new_credential();
        body["api_key"] = json!(CANARY);
        let mut answers = vec![
            client.post_once(CREDENTIALS, "k", &body).await,
            client.post_once(CREDENTIALS, "k", &body).await,
        ];
        let path = format!("{CREDENTIALS}/{}", id(&answers[0].json()));
        answers.push(client.get(&path).await);
        answers.push(client.get(CREDENTIALS).await);
        answers.push(client.patch(&path, &json!({ "api_key": SECOND, "name": "n" })).await);
        answers.push(client.get(&path).await);
        // Refused bodies that hold a key, in its field and in others.
        for (field, value) in [
            ("name", json!("")),
            ("provider", json!(CANARY)),
            ("base_url", json!(CANARY)),
            ("base_url", json!(format!("http://a:{CANARY}@example.org/"))),
            ("api_key", json!(format!("{CANARY} {CANARY}"))),
            ("api_key", json!([CANARY])),
        ] {
            let mut bad = body.clone();
            bad[field] = value;
            let answer = client.post(CREDENTIALS, &bad).await;
            assert_eq!(answer.status, 422);
            answers.push(answer);
        }
        let broken = client.request(Method::POST, CREDENTIALS)
            .body(format!("{{\"api_key\":\"{CANARY}\",}}")).header("Content-Type", "application/json");
        answers.push(client.send(broken).await);
        for answer in &answers {
            for key in [CANARY, SECOND] {
                assert!(!answer.body.contains(&key[..12]), "{}", answer.body);
                assert!(!format!("{:?}", answer.headers).contains(&key[..12]));
            }
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
