//! The keys change, and nobody who uses a server notices.

use std::sync::Arc;

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Client, Data, MASTER_KEY, Setup, Store, both_stores, check_ended, xtask_with};
use serde_json::{Value, json};

use super::folder;

const SECOND_KEY: &str = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";
const SECRET: &str = "sk-of-the-organisation-77";
const MAIN: &str = "RUNLOOM_MASTER_KEY";
const OTHERS: &str = "RUNLOOM_OTHER_MASTER_KEYS";

async fn own_route(client: &Client, provider: &Provider) -> String {
    let id = |made: Value| made["id"].as_str().expect("an id").to_owned();
    let credential = json!({ "provider": "openai_chat", "name": "main",
        "base_url": provider.url(), "api_key": SECRET });
    let made = client.post("/v1/llm-credentials", &credential).await;
    let route = json!({ "credential_id": id(made.expect(201)), "model": "big" });
    id(client.post("/v1/llm-routes", &route).await.expect(201))
}

/// A run whose provider gets the organisation's key.
async fn check_run(client: &Client, provider: &Provider, route: &str) {
    let run = client
        .run(&json!({ "route_id": route, "input": "x" }))
        .await;
    check_ended(&client.follow(&run).await, "run.completed");
    let request = provider.requests().pop().expect("a request");
    assert_eq!(request.headers["authorization"], format!("Bearer {SECRET}"));
}

/// To the second master key, with new data keys.
async fn rotate(data: &Data) -> String {
    let folder = folder(data).to_str().expect("UTF-8").to_owned();
    let url = data.database_url();
    let mut variables = vec![
        (MAIN, SECOND_KEY),
        (OTHERS, MASTER_KEY),
        ("RUNLOOM_DATA_DIR", &folder),
    ];
    variables.extend(url.as_deref().map(|url| ("RUNLOOM_DATABASE_URL", url)));
    let said = xtask_with(&variables, &["rotate-keys", "--new-data-keys"]).await;
    said.expect()
}

both_stores! {
    async fn the_master_key_and_data_keys_change(store: Store) {
        let provider = Provider::start([Reply::text("x")]).await;
        let setup = Setup::new(store)
            .variable("RUNLOOM_NET_ALLOW", "127.0.0.0/8")
            .variable(MAIN, MASTER_KEY)
            .variable(OTHERS, SECOND_KEY);
        let node = setup.start().await;
        let client = node.client();
        let route = own_route(&client, &provider).await;
        check_run(&client, &provider, &route).await;
        let data = Arc::clone(node.data());
        let setup = setup.on(Arc::clone(&data));

        // One program at a time has SQLite's file; a server on PostgreSQL goes on meanwhile.
        let (said, node) = match store {
            Store::Sqlite => {
                node.terminate().await;
                (rotate(&data).await, setup.start().await)
            }
            Store::Postgres => {
                let mut rotating = std::pin::pin!(rotate(&data));
                loop {
                    tokio::select! {
                        said = &mut rotating => break (said, node),
                        () = check_run(&client, &provider, &route) => {}
                    }
                }
            }
        };
        assert!(said.contains("1 data keys wrapped anew, 1 made, 1 secrets"), "{said}");
        check_run(&client.at(node.base()), &provider, &route).await;
        node.terminate().await;

        // The old key is needed no longer, and without the new one nothing opens.
        let setup = setup.without(OTHERS);
        let node = setup.clone().variable(MAIN, SECOND_KEY).start().await;
        check_run(&client.at(node.base()), &provider, &route).await;
        node.terminate().await;
        let node = setup.start().await;
        let client = client.at(node.base());
        let run = client.run(&json!({ "route_id": route, "input": "x" })).await;
        check_ended(&client.follow(&run).await, "run.failed");
    }
}
