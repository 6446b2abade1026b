//! For every cut point, prefix plus resume is the uncut stream, byte for byte.

use std::time::{Duration, Instant};

use runloom_tests::{Client, EventStream, Frame, Setup, both_stores, count, script};
use serde_json::{Value, json};

/// Text, a tool and text again, slow enough to be cut while it is live.
fn turns(every_ms: u64) -> Value {
    script([
        json!([
            { "count": { "to": 12, "every_ms": every_ms } },
            { "tool_call": { "name": "calculator", "arguments": { "expression": "6*7" } } },
        ]),
        count(12, every_ms),
    ])
}

/// The raw blocks of the first `events` events, and the last one's seq.
async fn prefix(stream: &mut EventStream, events: u64) -> (String, u64) {
    let (mut raw, mut seq) = (String::new(), 0);
    while seq < events {
        match stream.frame().await.expect("the stream goes on") {
            Frame::Event {
                event, raw: block, ..
            } => {
                raw.push_str(&block);
                seq = event.seq;
            }
            Frame::Comment(_) | Frame::Retry(_) => {}
        }
    }
    (raw, seq)
}

/// Reads `cut` events, hangs up, and goes on from the last one.
async fn cut_and_resume(client: Client, run: String, cut: u64) -> String {
    let mut stream = client.events(&run, "").await;
    let (mut raw, seq) = prefix(&mut stream, cut).await;
    drop(stream);
    let path = format!("/v1/runs/{run}/events");
    let request = client.request(reqwest::Method::GET, &path);
    let resumed = request
        .header("Last-Event-ID", seq.to_string())
        .send()
        .await;
    let resumed = resumed.expect("the server answers");
    if resumed.status() == 204 {
        return raw;
    }
    drop(resumed);
    let request = client.request(reqwest::Method::GET, &path);
    let mut stream = EventStream::open(request.header("Last-Event-ID", seq.to_string())).await;
    raw.push_str(&stream.raw_rest().await);
    raw
}

both_stores! {
    async fn at_every_event_of_a_finished_run(store: Store) {
        let node = Setup::new(store).scripted("m", turns(0)).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await.len() as u64;
        assert!(events > 30);
        let uncut = client.events(&run, "").await.raw_rest().await;
        for cut in 0..=events {
            assert_eq!(cut_and_resume(client.clone(), run.clone(), cut).await, uncut, "{cut}");
        }
    }

    async fn at_every_event_of_a_live_run(store: Store) {
        let node = Setup::new(store).scripted("m", turns(20)).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let readers: Vec<_> = (0..34)
            .map(|cut| tokio::spawn(cut_and_resume(client.clone(), run.clone(), cut)))
            .collect();
        let uncut = client.events(&run, "").await.raw_rest().await;
        for (cut, reader) in readers.into_iter().enumerate() {
            assert_eq!(reader.await.expect("no panic"), uncut, "{cut}");
        }
        assert_eq!(client.events(&run, "").await.raw_rest().await, uncut, "replayed");
    }

    async fn by_cursor_in_the_query_too(store: Store) {
        let node = Setup::new(store).scripted("m", turns(0)).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.follow(&run).await;
        let uncut = client.events(&run, "").await.raw_rest().await;
        let mut stream = client.events(&run, "").await;
        let (first, seq) = prefix(&mut stream, 9).await;
        for query in [format!("?after_seq={seq}"), format!("?after_seq={seq}&follow=0")] {
            let rest = client.events(&run, &query).await.raw_rest().await;
            assert_eq!(format!("{first}{rest}"), uncut);
        }
    }

    async fn what_is_appended_between_replay_and_follow_is_not_lost(store: Store) {
        // A reader dawdles between reading the log and following it, while the run goes on.
        let node = Setup::new(store).scripted("m", turns(10))
            .variable("FAILPOINTS", "between_replay_and_follow=sleep(60)").start().await;
        let client = node.client();
        for _ in 0..3 {
            let run = client.run(&json!({})).await;
            let begun = Instant::now();
            let first = client.events(&run, "").await.raw_rest().await;
            // Sooner than a silent stream is checked against the log.
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(10), "an event was not seen for {took:?}");
            let log = client.events(&run, "?follow=0").await.raw_rest().await;
            assert_eq!(first, log);
        }
    }
}
