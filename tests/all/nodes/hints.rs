//! What a node does comes to those who watch on another: at once when nodes hear each other,
//! and within 2 s when they don't.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_tests::{EventStream, Node, Setup, Store, call, check_ended, count, script, text};
use serde_json::json;

use super::MASTER_KEY;

/// What may pass until a watcher elsewhere has an event, when hints are lost.
const WITHOUT_HINTS: Duration = Duration::from_secs(2);
/// The same with hints, on a machine that does other things too.
const WITH_HINTS: Duration = Duration::from_millis(500);

/// What a node calls the connection that carries them.
const SESSION: &str = "runloom hints";

/// Two nodes; `bug` is planted in both.
async fn two(bug: Option<&str>) -> (Node, Node) {
    let question = call("ask_user", json!({ "question": "?" }));
    let mut setup = Setup::new(Store::Postgres)
        .scripted("count", script([count(100, 20)]))
        .scripted("ask", script([question, text("Thank you.")]))
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY);
    if let Some(bug) = bug {
        setup = setup.variable("RUNLOOM_PLANTED_BUG", bug);
    }
    let first = setup.start().await;
    let own = first.data().folder().join("other-node");
    let setup = setup.on(Arc::clone(first.data()));
    let second = setup.variable("RUNLOOM_DATA_DIR", own.to_str().expect("UTF-8"));
    let second = second.start().await;
    (first, second)
}

/// When each event came.
async fn arrivals(mut stream: EventStream) -> Vec<Instant> {
    let mut arrivals = Vec::new();
    while stream.next().await.is_some() {
        arrivals.push(Instant::now());
    }
    arrivals
}

/// How much later than the other stream the slowest event of this one came.
fn slowest(here: &[Instant], there: &[Instant]) -> Duration {
    assert_eq!(here.len(), there.len());
    let late = |(here, there): (&Instant, &Instant)| there.saturating_duration_since(*here);
    here.iter().zip(there).map(late).max().expect("events")
}

async fn follow_on_both(bug: Option<&str>, within: Duration) {
    let (first, second) = two(bug).await;
    let client = first.client();
    let run = client.run(&json!({ "route_id": "count" })).await;
    let here = client.events(&run, "").await;
    let there = client.at(second.base()).events(&run, "").await;
    let (here, there) = tokio::join!(arrivals(here), arrivals(there));
    let slowest = slowest(&here, &there);
    assert!(slowest < within, "{slowest:?}");
    check_ended(&client.log(&run).await, "run.completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_at_once_from_the_other_node() {
    follow_on_both(None, WITH_HINTS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_within_two_seconds_without_hints() {
    follow_on_both(Some("deaf"), WITHOUT_HINTS).await;
}

/// A run that waits is nobody's. Its answer is given on one node and either may go on with it;
/// who watches on the other one sees it all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_changes_hands_is_followed_on_both() {
    for (bug, within) in [(None, WITH_HINTS), (Some("deaf"), WITHOUT_HINTS)] {
        let (first, second) = two(bug).await;
        let client = first.client();
        let other = client.at(second.base());
        for _ in 0..3 {
            let run = client.run(&json!({ "route_id": "ask" })).await;
            let mut streams = [client.events(&run, "").await, other.events(&run, "").await];
            for stream in &mut streams {
                stream.until("run.waiting_for_input").await;
            }
            let answer = json!({ "content": "yes" });
            other.input(&run, &answer).await.expect(200);
            let [here, there] = streams.map(arrivals);
            let (here, there) = tokio::join!(here, there);
            let late = slowest(&here, &there).max(slowest(&there, &here));
            assert!(late < within, "{bug:?}: {late:?}");
        }
    }
}

/// The connection that carries hints breaks and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_for_hints_is_made_again() {
    let (first, second) = two(None).await;
    let client = first.client();
    let run = client.run(&json!({ "route_id": "count" })).await;
    let here = tokio::spawn(arrivals(client.events(&run, "").await));
    let there = tokio::spawn(arrivals(client.at(second.base()).events(&run, "").await));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let broken = first.data().end_sessions(SESSION).await;
    assert_eq!(broken, 2, "each node has one");
    let (here, there) = (here.await.expect("here"), there.await.expect("there"));
    let late = slowest(&here, &there);
    assert!(late < WITHOUT_HINTS, "{late:?}");
    let connected = || async { first.data().sessions(SESSION).await };
    let since = Instant::now();
    while connected().await < 2 {
        assert!(since.elapsed() < Duration::from_secs(5), "it stays broken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    follow_again(&first, &second).await;
}

async fn follow_again(first: &Node, second: &Node) {
    let client = first.client();
    let run = client.run(&json!({ "route_id": "count" })).await;
    let here = client.events(&run, "").await;
    let there = client.at(second.base()).events(&run, "").await;
    let (here, there) = tokio::join!(arrivals(here), arrivals(there));
    let slowest = slowest(&here, &there);
    assert!(slowest < WITH_HINTS, "{slowest:?}");
}
