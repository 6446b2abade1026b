//! What is done to an organisation stands in its audit log, and what is done to that shows.

mod tampering;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use runloom_tests::{Client, Data, both_stores, soon, xtask};
use serde_json::{Value, json};

use crate::tenancy::setup;
use walk::Walk;

/// The records of the caller's organisation, the first first.
async fn log(client: &Client) -> Vec<Value> {
    let found = client.get("/v1/audit-log?limit=200").await.expect(200);
    let mut records = found.as_array().expect("an array").clone();
    records.reverse();
    records
}

/// The records once all have their seals.
async fn sealed(client: &Client) -> Vec<Value> {
    soon("seals", async {
        loop {
            let records = log(client).await;
            if records.iter().all(|record| record["seal"].is_object()) {
                return records;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
}

/// Checks the chains of a database; whether all was well, and what was said.
async fn verify(data: &Data, more: &[&str]) -> (bool, String) {
    let (option, place) = match data.database_url() {
        Some(url) => ("--database-url", url),
        None => (
            "--data-dir",
            data.folder().join("data").display().to_string(),
        ),
    };
    let arguments = [&["audit", "verify", option, &place], more].concat();
    let outcome = xtask(&arguments).await;
    (outcome.success, outcome.text)
}

both_stores! {
    /// Every changing operation of the document leaves one record, without a secret in it; the
    /// records get their seals, and what is done to them by whoever owns the tables is named.
    async fn what_is_done_is_recorded_and_stays(store: Store) {
        let node = setup(store).start().await;
        let mut walk = Walk::begin(&node).await;
        walk.everything().await;
        let client = walk.client.clone();
        let records = sealed(&client).await;
        let text = serde_json::to_string(&records).expect("JSON");
        for secret in &walk.secrets {
            assert!(secret.len() >= 8 && !text.contains(secret), "a record holds {secret}");
        }
        let own = records.iter().all(|record| record["address"] == "127.0.0.1");
        assert!(own, "the address of the client stands in each");
        // They are found again by what was done, by whom, and to what.
        for (filter, count) in walk::filters(&records) {
            let found = client.get(&format!("/v1/audit-log?{filter}")).await.expect(200);
            assert_eq!(found.as_array().expect("an array").len(), count, "{filter}");
        }
        // Somebody else has a log of their own, and whoever may only look has none.
        let stranger = node.client().stranger("stranger").await;
        let theirs = log(&stranger).await;
        assert_eq!(theirs.len(), 1, "{theirs:?}");
        let key = json!({ "name": "k", "scopes": ["runs.read"] });
        let key = stranger.post("/v1/api-keys", &key).await.expect(201);
        let key = key["key"].as_str().expect("a key");
        stranger.with_token(key).get("/v1/audit-log").await
            .expect_error(403, "auth.forbidden");

        let (well, said) = verify(node.data(), &[]).await;
        assert!(well, "{said}");
        let org = client.get("/v1/me").await.expect(200)["org_id"].clone();
        let org = org.as_str().expect("an id");
        let data = Arc::clone(node.data());
        // A row that no version has written holds up neither the list nor the seals of others.
        let unreadable = tampering::add_unreadable(&data, org).await;
        let key = json!({ "name": "behind", "scopes": ["runs.read"] });
        client.post("/v1/api-keys", &key).await.expect(201);
        let before = records.len();
        let records = sealed(&client).await;
        assert_eq!(records.len(), before + 1);
        // The last request's record has its seal although the server stops at once.
        client.post("/v1/api-keys", &key).await.expect(201);
        let mut records = records;
        records.extend(log(&client).await.pop());
        node.terminate().await;
        let (well, said) = verify(&data, &[]).await;
        let head = said.split_whitespace().find(|word| word.starts_with(&format!("{org}:{}:", records.len())));
        let head = head.unwrap_or_else(|| panic!("no head of {org}: {said}")).to_owned();
        assert!(!well && said.contains(": 1 finding"), "{said}");
        let (_, said) = verify(&data, &[org, "--head", &head.replacen(org, unreadable, 1)]).await;
        assert!(said.contains("isn't one of the organisation"), "{said}");
        tampering::addition_is_named(&data, org, unreadable).await;
        tampering::is_named(&data, org, &records, &head).await;
    }
}
