use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_tests::{Client, Event, Fill, Node, Setup, Store, both_stores, call, script};
use serde_json::json;

use super::{grown_less, org, within};

/// How often the first step has happened once more, and the delta of the second.
const STEPS: u32 = 5_000;
const DELTAS: u32 = 25_000;

/// A run in the middle of its second step after more than 50,000 events, whose server was killed.
/// The server that is returned has just taken it over; beside it the seq of its last event before.
async fn long_run(store: Store) -> (Node, Client, String, u64) {
    let calls = call("calculator", json!({ "expression": "6*7" }));
    let node = Setup::new(store)
        .scripted("m", script([calls, json!([{ "text": "a" }, "hang"])]))
        .start()
        .await;
    let client = node.client();
    let thread = client.thread().await;
    let run = client.run_in(&thread, &json!({ "input": "6*7?" })).await;
    let events = client.events(&run, "").await.until("message.delta").await;
    let seq_of = |kind: &str| {
        events
            .iter()
            .find(|event| event.kind == kind)
            .map(|e| e.seq)
    };
    let first = seq_of("step.started").expect("a step");
    let last = seq_of("tool.result").expect("a result");
    let delta = seq_of("message.delta").expect("a delta");
    let (org, data) = (org(&client).await, Arc::clone(node.data()));
    let stopped = node.kill().await;
    let pattern = (org.as_str(), thread.as_str(), run.as_str());
    let deltas = Fill::Repeat {
        first: delta,
        last: delta,
        times: DELTAS,
    };
    let steps = Fill::Repeat {
        first,
        last,
        times: STEPS,
    };
    data.fill(pattern, deltas).await;
    data.fill(pattern, steps).await;
    let added = u64::from(STEPS) * (last - first + 1) + u64::from(DELTAS);
    let node = stopped.restart().await;
    let client = node.client();
    (node, client, run, delta + added)
}

/// Follows a run up to an event of this type and checks that nothing is missing.
async fn dense(client: &Client, run: &str, after: u64, until: &str) -> Event {
    let events = client
        .events(run, &format!("?after_seq={after}"))
        .await
        .until(until)
        .await;
    let seqs = events.iter().map(|event| event.seq);
    assert!(
        seqs.eq(after + 1..=after + events.len() as u64),
        "no event is missing"
    );
    events.last().expect("an event").clone()
}

both_stores! {
    async fn a_run_of_50_000_events_goes_on_after_a_crash(store: Store) {
        let begin = Instant::now();
        let (node, client, run, last) = long_run(store).await;
        assert!(last > 50_000, "{last} events");
        let filled = begin.elapsed();
        let ready = Instant::now();
        let resumed = dense(&client, &run, last, "run.resumed").await;
        within(ready, Duration::from_secs(10), &format!("going on (filled in {filled:?})"));
        assert_eq!(resumed.data["from_seq"], last);
        let retried = dense(&client, &run, resumed.seq, "step.retried").await;
        assert_eq!(retried.data["step"], 2);
        dense(&client, &run, retried.seq, "message.delta").await;
        let begin = Instant::now();
        client.cancel(&run).await.expect(200);
        dense(&client, &run, last, "run.cancelled").await;
        within(begin, Duration::from_secs(10), "its cancellation");
        grown_less(&node, 0, 160, "a server with a long run");
    }

    async fn a_run_of_50_000_events_is_replayed(store: Store) {
        let (node, client, run, last) = long_run(store).await;
        let resumed = dense(&client, &run, last, "run.resumed").await;
        let before = node.resident_bytes();
        let begin = Instant::now();
        dense(&client, &run, 0, "run.resumed").await;
        within(begin, Duration::from_secs(50), "all of its events");
        let middle = last / 2;
        let from_the_middle = dense(&client, &run, middle, "run.resumed").await;
        assert_eq!(from_the_middle, resumed);
        grown_less(&node, before, 32, "replaying a long run");
        client.cancel(&run).await.expect(200);
    }
}
