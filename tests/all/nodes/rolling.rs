//! Three nodes are started again one after the other, under load, and no client notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use runloom_tests::{
    Followed, MASTER_KEY, Node, Servers, Setup, Store, check_effects, count, script, soon,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::is_long;

/// Clients that have a run each at any time.
const CLIENTS: usize = 12;

const PERSONA: &str = "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"effect_once\"]\n";

fn setup() -> Setup {
    let effect =
        json!({ "tool_call": { "name": "effect_once", "arguments": { "after_ms": 100 } } });
    let counts = json!({ "count": { "to": 20, "every_ms": 30 } });
    Setup::new(Store::Postgres)
        .scripted("m", script([json!([counts, effect]), count(20, 30)]))
        .toml(PERSONA)
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
}

/// Creates something at the next server, or else at the one behind it.
async fn create(servers: &mut Servers, path: &str, key: &str, body: &Value) -> Value {
    let mut failed = Vec::new();
    for _ in 0..2 {
        let request = servers.client().request(Method::POST, path).json(body);
        match request.header("Idempotency-Key", key).send().await {
            Ok(answer) if answer.status() == 201 => match answer.json().await {
                Ok(made) => return made,
                Err(error) => failed.push(error.to_string()),
            },
            Ok(answer) => failed.push(format!("{} {:?}", answer.status(), answer.text().await)),
            Err(error) => failed.push(format!("{error:?}")),
        }
    }
    panic!("{path} failed twice: {failed:#?}");
}

/// Makes one run after the other and follows each to its end, until it is time to stop.
async fn works(mut servers: Servers, client: usize, is_over: Arc<AtomicBool>) -> Vec<Followed> {
    let mut all = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        let key = format!("{client}-{}", all.len());
        let thread = create(&mut servers, "/v1/threads", &key, &json!({})).await;
        let thread = thread["id"].as_str().expect("an id");
        let path = format!("/v1/threads/{thread}/runs");
        let run = create(&mut servers, &path, &key, &json!({ "input": "go" })).await;
        let run = run["run_id"].as_str().expect("a run_id").to_owned();
        all.push(soon("a run's end", servers.clone().follow(run)).await);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_is_not_noticed() {
    let first = setup().start().await;
    let client = first.client();
    let mut nodes = [first.peer("second").await, first.peer("third").await].into();
    Vec::insert(&mut nodes, 0, first);
    let at = |node: &Node| client.at(node.base());
    let clients = watch::Sender::new(nodes.iter().map(at).collect());
    let is_over = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for index in 0..CLIENTS {
        let servers = Servers::new(clients.subscribe(), index);
        load.spawn(works(servers, index, Arc::clone(&is_over)));
    }

    for _ in 0..if is_long() { 5 } else { 1 } {
        for place in 0..nodes.len() {
            // Each works for a while before the next one goes.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let stopped = nodes.remove(0).terminate().await;
            assert!(stopped.ended.status.success(), "{:?}", stopped.ended);
            let node = stopped.restart().await;
            clients.send_modify(|clients| clients[place] = at(&node));
            nodes.push(node);
        }
    }
    is_over.store(true, Ordering::SeqCst);
    let all: Vec<Followed> = load.join_all().await.into_iter().flatten().collect();
    assert!(all.len() > 2 * CLIENTS, "only {} runs", all.len());
    for followed in &all {
        followed.check(&at(&nodes[0])).await;
    }
    check_effects(nodes[0].data(), all.iter().map(Followed::log));
}
