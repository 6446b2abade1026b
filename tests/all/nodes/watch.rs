//! How much later a watcher on one node has an event than a watcher on another.

use std::time::{Duration, Instant};

use runloom_tests::{
    EventStream, MASTER_KEY, Node, Setup, Store, call, check_ended, count, script, text,
};
use serde_json::json;

/// What may pass until a watcher elsewhere has an event, when hints are lost.
pub(super) const WITHOUT_HINTS: Duration = Duration::from_secs(2);
/// The same with hints, on a machine that does other things too.
pub(super) const WITH_HINTS: Duration = Duration::from_millis(500);

/// What a node calls the connection to the database that carries hints.
pub(super) const SESSION: &str = "runloom hints";

/// Two nodes with the routes `count`, which takes 2 s to say a hundred words, and `ask`, which
/// asks a person.
pub(super) async fn two(prepare: impl FnOnce(Setup) -> Setup) -> (Node, Node) {
    let question = call("ask_user", json!({ "question": "?" }));
    let setup = Setup::new(Store::Postgres)
        .scripted("count", script([count(100, 20)]))
        .scripted("ask", script([question, text("Thank you.")]))
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY);
    let first = prepare(setup).start().await;
    let second = first.peer("second").await;
    (first, second)
}

/// When each event came.
pub(super) async fn arrivals(mut stream: EventStream) -> Vec<Instant> {
    let mut arrivals = Vec::new();
    while stream.next().await.is_some() {
        arrivals.push(Instant::now());
    }
    arrivals
}

/// How much later than the other stream the slowest event of this one came.
pub(super) fn slowest(here: &[Instant], there: &[Instant]) -> Duration {
    assert_eq!(here.len(), there.len());
    let late = |(here, there): (&Instant, &Instant)| there.saturating_duration_since(*here);
    here.iter().zip(there).map(late).max().expect("events")
}

/// A run on the first node, watched on both, while `meanwhile` happens: how much later the
/// second one's watcher had the slowest event.
pub(super) async fn lag(
    first: &Node,
    second: &Node,
    meanwhile: impl Future<Output = ()>,
) -> Duration {
    let client = first.client();
    let run = client.run(&json!({ "route_id": "count" })).await;
    let here = client.events(&run, "").await;
    let there = client.at(second.base()).events(&run, "").await;
    let (here, there, ()) = tokio::join!(arrivals(here), arrivals(there), meanwhile);
    check_ended(&client.log(&run).await, "run.completed");
    slowest(&here, &there)
}
