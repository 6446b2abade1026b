//! Cancelling: within its bounds, whatever the run is doing, and nothing after it.

mod at_rest;
mod at_work;
mod races;

use std::time::{Duration, Instant};

use runloom_tests::{Client, Event, check_ended};

/// How soon the end must come when all work can be dropped.
const SOON: Duration = Duration::from_millis(1_500);

/// Cancels a run and returns its whole log once it has ended, in time.
async fn cancelled(client: &Client, run: &str) -> Vec<Event> {
    let asked = Instant::now();
    let answer = client.cancel(run).await.expect(200);
    assert_eq!(answer, serde_json::json!({ "ok": true }));
    let events = client.follow(run).await;
    let took = asked.elapsed();
    assert!(took < SOON, "it took {took:?}");
    let last = check_ended(&events, "run.cancelled");
    assert_eq!(last.data["reason"], "requested");
    assert_eq!(client.status(run).await, "cancelled");
    events
}
