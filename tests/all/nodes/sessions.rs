//! A node's sessions on PostgreSQL: how many, and as whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runloom_tests::{Client, Setup, Store, check_ended, count, script, text};
use serde_json::json;
use tokio::task::JoinSet;

use super::MASTER_KEY;

/// A node has no more.
const MOST: i64 = 12;

/// Clients that do all kinds of things at once.
const CLIENTS: usize = 24;

const SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'runloom%'";

async fn works(client: Client) {
    let thread = client.thread().await;
    let run = client.run_in(&thread, &json!({ "input": "go" })).await;
    let follow = client.follow(&run);
    let list = client.get("/v1/threads");
    let messages = format!("/v1/threads/{thread}/messages");
    let read = client.get(&messages);
    let (events, list, read) = tokio::join!(follow, list, read);
    check_ended(&events, "run.completed");
    list.expect(200);
    read.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_under_load_has_at_most_twelve() {
    let setup = Setup::new(Store::Postgres).scripted("m", script([count(20, 20)]));
    let node = setup.start().await;
    let session = node.data().session().await;
    let over = Arc::new(AtomicBool::new(false));
    let watching = Arc::clone(&over);
    let watch = tokio::spawn(async move {
        let mut most = 0;
        while !watching.load(Ordering::SeqCst) {
            let row = session.query_one(SESSIONS, &[]).await;
            most = most.max(row.expect("sessions can be counted").get::<_, i64>(0));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        most
    });
    for _ in 0..2 {
        let clients = (0..CLIENTS).map(|_| works(node.client()));
        let _: Vec<()> = clients.collect::<JoinSet<()>>().join_all().await;
    }
    over.store(true, Ordering::SeqCst);
    let most = watch.await.expect("nobody panics");
    assert!((6..=MOST).contains(&most), "{most}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_says_as_whom_it_works() {
    let mut node = Setup::new(Store::Postgres)
        .scripted("m", script([text("hi")]))
        .start()
        .await;
    node.logged("sessions work as runloom_tenant and runloom_engine")
        .await;
    let warning = "the login role is a superuser of PostgreSQL";
    assert!(!node.log().iter().any(|line| line.contains(warning)));
    // Production has no scripted models.
    let mut node = Setup::new(Store::Postgres)
        .variable("RUNLOOM_MODE", "production")
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .start()
        .await;
    node.logged(warning).await;
}
