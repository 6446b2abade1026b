//! One of two nodes is asked to stop: what it holds goes on with the other, whatever is stuck.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_tests::{Client, Frame, Node, Setup, Store, call, check_ended, count, script, text};
use rustix::process::Signal;
use serde_json::json;

use super::MASTER_KEY;

/// A run goes on elsewhere within 2 s; more where tests and debug builds share the machine. Held
/// up by a stuck tool it would take 5 s longer, and the 15 s of a lease without a hand-over.
const HANDED_OVER: Duration = Duration::from_millis(4_500);

/// Whoever sent SIGTERM commonly kills after this.
const ENDED: Duration = Duration::from_secs(30);

const PERSONA: &str = "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"block\"]\n";

/// Two nodes with the routes `count`, which takes 10 s; `stuck`, whose tool holds on to its
/// thread for a minute when the first node calls it; and `held`, whose model never ends.
async fn two() -> (Node, Node) {
    let first = Setup::new(Store::Postgres)
        .scripted("count", script([count(200, 50)]))
        .scripted(
            "stuck",
            script([call("block", json!({ "millis": 60_000 })), text("ok")]),
        )
        .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
        .toml(PERSONA)
        .variable("RUNLOOM_MASTER_KEY", MASTER_KEY)
        .start()
        .await;
    let own = first.data().folder().join("other-node");
    let second = first.setup().clone().on(Arc::clone(first.data()));
    let second = second.variable("RUNLOOM_DATA_DIR", own.to_str().expect("UTF-8"));
    let second = second.start().await;
    (first, second)
}

async fn is_draining(node: &Node) {
    let anonymous = Client::anonymous(node.base());
    while anonymous.get("/readyz").await.status == 200 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_tool_and_a_stuck_model_keep_nobody_waiting() {
    let (first, second) = two().await;
    let client = first.client();
    let there = client.at(second.base());
    let mut streams = Vec::new();
    for (route, stands_at) in [
        ("stuck", "tool.started"),
        ("held", "message.delta"),
        ("count", "message.delta"),
    ] {
        let run = client.run(&json!({ "route_id": route })).await;
        let mut stream = there.events(&run, "").await;
        stream.until(stands_at).await;
        streams.push((run, stream));
    }
    let asked = Instant::now();
    first.signal(Signal::TERM);
    for (run, stream) in &mut streams {
        stream.until("run.resumed").await;
        let took = asked.elapsed();
        assert!(took < HANDED_OVER, "{run} went on after {took:?}");
    }
    let stopped = first.stopped().await;
    assert!(stopped.ended.status.success(), "{:?}", stopped.ended);
    assert!(asked.elapsed() < ENDED, "{:?}", asked.elapsed());
    let (run, mut stream) = streams.pop().expect("three runs");
    stream.rest().await;
    check_ended(&there.log(&run).await, "run.completed");
    for (run, _) in streams {
        there.cancel(&run).await.expect(200);
    }
}

/// It still takes requests while it hands over; what it is asked to begin, others begin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_created_on_a_stopping_node_begins_elsewhere() {
    let (first, second) = two().await;
    let client = first.client();
    let there = client.at(second.base());
    let held = client.run(&json!({ "route_id": "held" })).await;
    client.events(&held, "").await.until("message.delta").await;
    let thread = client.thread().await;
    first.signal(Signal::TERM);
    is_draining(&first).await;
    let run = client.run_in(&thread, &json!({})).await;
    let asked = Instant::now();
    // Its events are to be followed elsewhere.
    let frames = client.events(&run, "").await.frame().await;
    assert!(matches!(frames, Some(Frame::Retry(_))), "{frames:?}");
    let mut stream = there.events(&run, "").await;
    stream.until("message.delta").await;
    assert!(asked.elapsed() < HANDED_OVER, "{:?}", asked.elapsed());
    // It was begun there, not taken over from the one that stops.
    let log = there.log(&run).await;
    assert!(
        log.iter().all(|event| event.kind != "run.resumed"),
        "{log:#?}"
    );
    let stopped = first.stopped().await;
    assert!(stopped.ended.status.success(), "{:?}", stopped.ended);
}
