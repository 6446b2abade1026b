//! Providers that fail: the right events, bounded retries, a clear end.

mod fallback;
mod frames;
mod mocks;
mod requests;
mod statuses;
mod storm;
mod streams;

use runloom_tests::{Event, kinds};

/// The error classes of a run's retries, in order.
fn retries(events: &[Event]) -> Vec<&str> {
    let retried = events.iter().filter(|event| event.kind == "step.retried");
    retried
        .map(|event| event.data["error_class"].as_str().unwrap_or_default())
        .collect()
}

/// How many times the model was called.
fn calls(events: &[Event]) -> usize {
    let kinds = kinds(events);
    kinds.iter().filter(|kind| **kind == "step.started").count()
}
