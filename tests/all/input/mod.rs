//! Answers of people to waiting runs.

mod approvals;
mod many;
mod questions;
mod races;
mod schemas;
mod sizes;
mod waiting;

use runloom_tests::Client;
use serde_json::Value;

/// Follows a run until it waits, and returns what it asks.
async fn asked(client: &Client, run: &str) -> Vec<Value> {
    let mut stream = client.events(run, "").await;
    let events = stream.until("run.waiting_for_input").await;
    let waiting = events.last().expect("events");
    waiting.data["requests"]
        .as_array()
        .expect("an array")
        .clone()
}
