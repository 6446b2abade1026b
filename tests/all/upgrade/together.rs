//! Nodes that start together on an empty database, and one that dies while it migrates.

use std::sync::Arc;
use std::time::Duration;

use runloom_tests::{Client, Data, Ended, Node, Setup, Store, script, soon, text};
use tokio::task::JoinHandle;

const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Sessions that wait in the middle of the first migration, and those that wait for their turn
/// for so long that their nodes say so.
const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%CREATE TABLE%'";
const IN_LINE: &str = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
    WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
      AND waitstart < clock_timestamp() - interval '4 seconds'";

fn start(data: &Arc<Data>, name: &str) -> JoinHandle<Result<Node, Ended>> {
    let own = data.folder().join(name);
    let setup = Setup::new(Store::Postgres)
        .on(Arc::clone(data))
        .scripted("m", script([text("hi")]))
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .variable("RUNLOOM_DATA_DIR", own.to_str().expect("UTF-8"));
    tokio::spawn(async move { setup.try_start().await })
}

async fn ready(starting: JoinHandle<Result<Node, Ended>>) -> Node {
    let node = starting.await.expect("nobody panics");
    let node = node.expect("it starts");
    Client::anonymous(node.base())
        .get("/readyz")
        .await
        .expect(200);
    node
}

async fn until(session: &tokio_postgres::Client, query: &str, wanted: i64) {
    soon(query, async {
        while session
            .query_one(query, &[])
            .await
            .expect("it is a query")
            .get::<_, i64>(0)
            != wanted
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_start_at_once_on_an_empty_database() {
    let data = Arc::new(Data::empty(Store::Postgres).await);
    let starting = ["a", "b", "c"].map(|name| start(&data, name));
    let mut ran = 0;
    for node in starting {
        let node = ready(node).await;
        let log = node.log();
        ran += log
            .iter()
            .filter(|line| line.contains("0001_run_log"))
            .count();
    }
    assert_eq!(ran, 1, "each migration is run by one of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_while_it_migrates_leaves_it_to_the_next() {
    let data = Arc::new(Data::empty(Store::Postgres).await);
    let (session, other) = (data.session().await, data.session().await);
    // The first migration comes upon it in its middle, and waits.
    let hold = "BEGIN; CREATE TABLE contents (body text)";
    session.batch_execute(hold).await.expect("it is empty");
    let killed = start(&data, "killed");
    until(&other, BLOCKED, 1).await;
    let rest = ["b", "c"].map(|name| start(&data, name));
    until(&other, IN_LINE, 2).await;
    until(&other, BLOCKED, 1).await;
    // Dropping its starting kills the process.
    killed.abort();
    assert!(killed.await.expect_err("it was killed").is_cancelled());
    // The next one is at the same place although nothing has let go.
    until(&other, IN_LINE, 1).await;
    until(&other, BLOCKED, 1).await;
    session.batch_execute("ROLLBACK").await.expect("it lets go");
    let mut said_so = 0;
    for node in rest {
        let node = ready(node).await;
        let waits = |line: &&String| line.contains("another node migrates the database");
        said_so += usize::from(node.log().iter().any(|line| waits(&line)));
    }
    assert_eq!(said_so, 2);
}
