//! Connections to the database break in the middle of writes, before or after they are done.

use std::sync::Arc;
use std::time::Duration;

use runloom_tests::{
    Data, Followed, MASTER_KEY, Node, Proxy, Servers, Setup, Store, check_effects, count, script,
    soon,
};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

const CLIENTS: usize = 8;
/// Runs that each client makes, one after the other.
const RUNS: usize = 3;

const PERSONA: &str =
    "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"effect_once\", \"calculator\"]\n";

/// A node whose way to the database is the proxy.
async fn behind_proxy(seed: u64) -> (Node, Proxy) {
    let data = Arc::new(Data::fresh(Store::Postgres).await);
    let url = data.database_url().expect("it is PostgreSQL");
    let proxy = Proxy::start(&url, seed).await;
    let turn = |tool: &str, arguments| {
        let called = json!({ "tool_call": { "name": tool, "arguments": arguments } });
        json!([{ "count": { "to": 30, "every_ms": 10 } }, called])
    };
    let turns = script([
        turn("effect_once", json!({})),
        turn("calculator", json!({ "expression": "6*7" })),
        count(30, 10),
    ]);
    let setup = Setup::new(Store::Postgres)
        .on(data)
        .scripted("m", turns)
        .toml(PERSONA)
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .variable("RUNLOOM_DATABASE_URL", &proxy.url());
    (setup.start().await, proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_written_twice_and_none_is_lost() {
    let (node, proxy) = behind_proxy(7).await;
    let client = node.client();
    let mut threads = Vec::new();
    for _ in 0..CLIENTS {
        threads.push(client.thread().await);
    }
    proxy.cut();
    let clients = watch::Sender::new(vec![client.clone()]);
    let mut load = JoinSet::new();
    for thread in threads.clone() {
        let mut servers = Servers::new(clients.subscribe(), 0);
        load.spawn(async move {
            let path = format!("/v1/threads/{thread}/runs");
            let mut all = Vec::new();
            for index in 0..RUNS {
                let key = format!("{thread}-{index}");
                let made = servers.insist(&path, &key, &json!({ "input": "go" })).await;
                let run = made["run_id"].as_str().expect("a run_id").to_owned();
                all.push(soon("a run's end", servers.clone().follow(run)).await);
            }
            all
        });
    }
    let all: Vec<Followed> = load.join_all().await.into_iter().flatten().collect();
    proxy.spare();

    let cuts = (proxy.lost_requests(), proxy.lost_answers());
    assert!(cuts.0 > 10 && cuts.1 > 10, "only {cuts:?} cuts");
    for followed in &all {
        followed.check(&client).await;
    }
    for thread in threads {
        let path = format!("/v1/threads/{thread}/runs");
        let listed = client.get(&path).await.expect(200);
        assert_eq!(listed.as_array().map(Vec::len), Some(RUNS), "{cuts:?}");
    }
    check_effects(node.data(), all.iter().map(Followed::log));
    tokio::time::timeout(Duration::from_secs(10), node.terminate())
        .await
        .expect("it stops");
}
