//! What is kept for a while only: events of ended runs, and idempotency keys.

use std::sync::Arc;

use runloom_tests::{MASTER_KEY, Setup, Store, both_stores, call, kinds, script, soon, text};
use serde_json::json;

/// Events are kept for 30 days, and each second what is older goes.
fn thirty_days(store: Store) -> Setup {
    Setup::new(store)
        .scripted(
            "done",
            script([
                call("calculator", json!({ "expression": "6*7" })),
                text("42"),
            ]),
        )
        .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
        .variable("RUNLOOM_EVENT_RETENTION_DAYS", "30")
        .variable("RUNLOOM_HOUSEKEEPING_SECONDS", "1")
}

both_stores! {
    async fn events_expire_and_the_run_stays(store: Store) {
        let mut node = thirty_days(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({ "input": "6 times 7?" })).await;
        let log = client.follow(&run).await;
        let result = log.iter().find(|event| event.kind == "tool.result").expect("a result");
        let call = result.data["tool_call_id"].as_str().expect("an id").to_owned();
        let live = client.run(&json!({ "route_id": "held" })).await;
        client.events(&live, "").await.until("message.delta").await;
        let before = client.get(&format!("/v1/runs/{run}?include=totals")).await.expect(200);

        node.data().age(40).await;
        node.logged("\"expired_runs\":1").await;
        for query in ["", "?follow=0", "?after_seq=3", "?after_seq=999999"] {
            let events = client.get(&format!("/v1/runs/{run}/events{query}")).await;
            events.expect_error(410, "runs.events_expired");
        }
        let ticket = client.post_nothing(&format!("/v1/runs/{run}/events:ticket")).await;
        ticket.expect_error(410, "runs.events_expired");
        let result = client.get(&format!("/v1/runs/{run}/tool-results/{call}")).await;
        result.expect_error(410, "runs.events_expired");

        let after = client.get(&format!("/v1/runs/{run}?include=totals")).await.expect(200);
        assert_eq!(after["totals"]["total_cost_usd"], before["totals"]["total_cost_usd"]);
        assert_eq!(after["status"], "completed");
        let messages = client.get(&format!("/v1/threads/{thread}/messages")).await.expect(200);
        assert_eq!(messages.as_array().map(Vec::len), Some(2));
        client.cancel(&run).await.expect(200);
        let next = client.run_in(&thread, &json!({ "input": "and again?" })).await;
        assert_eq!(client.follow(&next).await.len(), log.len());

        let stream = client.events(&live, "").await.until("message.delta").await;
        assert_eq!(stream.first().map(|event| event.seq), Some(1), "a live run keeps its events");
        client.cancel(&live).await.expect(200);
        assert!(kinds(&client.follow(&live).await).contains(&"run.cancelled"));
    }

    async fn events_stay_for_ever_unless_told_otherwise(store: Store) {
        let setup = thirty_days(store).without("RUNLOOM_EVENT_RETENTION_DAYS");
        let mut node = setup.start().await;
        let client = node.client();
        client.post_once("/v1/threads", "k", &json!({})).await.expect(201);
        let run = client.run(&json!({})).await;
        let log = client.follow(&run).await;
        node.data().age(3_000).await;
        // The key shows that the house was kept.
        node.logged("\"deleted_keys\":1").await;
        assert_eq!(client.log(&run).await.len(), log.len());
    }

    async fn a_stranger_learns_nothing_of_expired_events(store: Store) {
        let mut node = thirty_days(store).start().await;
        let run = node.client().run(&json!({})).await;
        node.client().follow(&run).await;
        node.data().age(40).await;
        node.logged("\"expired_runs\":1").await;
        let stranger = node.client().stranger("eve").await;
        let events = stranger.get(&format!("/v1/runs/{run}/events")).await;
        events.expect_error(404, "runs.not_found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_keep_house_on_one_database() {
    let setup = thirty_days(Store::Postgres).variable("RUNLOOM_MASTER_KEY", MASTER_KEY);
    let first = setup.start().await;
    assert_eq!(first.data().log_parts().await.len(), 5);
    let own = first.data().folder().join("other-node");
    let other = first.setup().clone().on(Arc::clone(first.data()));
    let other = other.variable("RUNLOOM_DATA_DIR", own.to_str().expect("UTF-8"));
    let second = other.start().await;
    let client = first.client();
    let mut runs = Vec::new();
    for _ in 0..5 {
        let run = client.run(&json!({})).await;
        client.at(second.base()).follow(&run).await;
        runs.push(run);
    }
    first.data().age(40).await;
    // Both look each second; either may be the one that works.
    soon("the runs to expire", async {
        for run in &runs {
            let path = format!("/v1/runs/{run}/events?follow=0");
            while client.get(&path).await.status != 410 {}
        }
    })
    .await;
    assert_eq!(first.data().log_parts().await.len(), 5);
}
