//! What becomes of tool calls: rules, approvals, tools of the client, tools that take several calls.

mod approvals;
mod binding;
mod children;
mod client;
mod dispatch;
mod rules;
mod staged;

use runloom_tests::{Client, Event};
use serde_json::Value;

/// Follows a run until it waits, and returns what it asks.
async fn asked(client: &Client, run: &str) -> Vec<Value> {
    let events = client
        .events(run, "")
        .await
        .until("run.waiting_for_input")
        .await;
    let waiting = events.last().expect("events");
    let requests = waiting.data["requests"].as_array();
    requests.expect("an array").clone()
}

/// The events of a type.
fn of<'a>(events: &'a [Event], kind: &str) -> Vec<&'a Event> {
    events.iter().filter(|event| event.kind == kind).collect()
}

/// What became of a run's calls, in the order of the results: content or class of error.
fn results(events: &[Event]) -> Vec<String> {
    let said = |event: &&Event| {
        let data = &event.data;
        let said = data["content"].as_str();
        let said = said.or_else(|| data["error"]["error_class"].as_str());
        said.unwrap_or_default().to_owned()
    };
    of(events, "tool.result").iter().map(said).collect()
}
