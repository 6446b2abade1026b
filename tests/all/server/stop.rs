use std::time::{Duration, Instant};

use runloom_tests::{
    Client, Frame, Metrics, Setup, both_stores, call, check_ended, count, script, text,
};
use rustix::process::Signal;
use serde_json::json;

both_stores! {
    async fn a_clean_stop_ends_streams_with_a_hint_and_loses_nothing(store: Store) {
        let node = Setup::new(store).scripted("m", script([count(100, 100)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let mut stream = client.events(&run, "").await;
        let mut seen = stream.until("message.delta").await;
        let asked = Instant::now();
        node.signal(Signal::TERM);
        let mut last = None;
        while let Some(frame) = stream.frame().await {
            if let Frame::Event { event, .. } = &frame {
                seen.push(event.clone());
            }
            last = Some(frame);
        }
        assert!(matches!(last, Some(Frame::Retry(_))), "{last:?}");
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        let stopped = node.stopped().await;
        assert!(stopped.ended.status.success(), "{:?}", stopped.ended);
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
        let node = stopped.restart().await;
        let cursor = format!("?after_seq={}", seen.len());
        seen.extend(node.client().events(&run, &cursor).await.rest().await);
        check_ended(&seen, "run.completed");
    }

    async fn readiness_follows_the_servers_life(store: Store) {
        let turns = script([call("calculator", json!({ "expression": "1" })),
            json!([{ "text": "a" }, { "delay_ms": 60_000 }])]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let anonymous = Client::anonymous(node.base());
        anonymous.get("/healthz").await.expect(200);
        anonymous.get("/readyz").await.expect(200);
        let run = node.client().run(&json!({})).await;
        node.client().events(&run, "").await.until("message.delta").await;
        // A run in the middle of a model call keeps the server busy for the time of a hand-over.
        node.signal(Signal::TERM);
        let status = loop {
            let answer = anonymous.get("/readyz").await;
            if answer.status != 200 {
                break answer.status;
            }
        };
        assert_eq!(status, 503);
        anonymous.get("/healthz").await.expect(200);
        let metrics = Metrics::of(&anonymous).await;
        assert!(metrics.text.contains("runloom_runs_owned"), "{}", metrics.text);
        assert!(node.stopped().await.ended.status.success());
    }

    async fn a_second_signal_stops_at_once(store: Store) {
        let turns = script([json!([{ "text": "a" }, { "delay_ms": 60_000 }])]);
        let node = Setup::new(store).scripted("m", turns).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let mut stream = client.events(&run, "").await;
        stream.until("message.delta").await;
        node.signal(Signal::INT);
        stream.rest().await;
        let again = Instant::now();
        node.signal(Signal::INT);
        let stopped = node.stopped().await;
        assert!(again.elapsed() < Duration::from_millis(500), "{:?}", again.elapsed());
        assert_eq!(stopped.ended.status.code(), Some(130));
        let node = stopped.restart().await;
        node.client().cancel(&run).await.expect(200);
        check_ended(&node.client().follow(&run).await, "run.cancelled");
    }

    async fn an_idle_server_stops_quickly(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        client.follow(&client.run(&json!({})).await).await;
        let asked = Instant::now();
        let stopped = node.terminate().await;
        assert!(stopped.ended.status.success(), "{:?}", stopped.ended);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
}
