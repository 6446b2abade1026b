use std::time::{Duration, Instant};

use runloom_tests::{EventStream, Frame, Setup, both_stores, check_ended, count, script, text};
use serde_json::json;

both_stores! {
    async fn headers_first_bytes_and_lines(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let request = client.request(reqwest::Method::GET, &format!("/v1/runs/{run}/events"));
        let request = request.header("Accept-Encoding", "gzip, br, zstd, deflate");
        let mut stream = EventStream::open(request).await;
        assert_eq!(stream.header("content-type"), "text/event-stream");
        assert_eq!(stream.header("cache-control"), "no-cache, no-transform");
        assert_eq!(stream.header("x-accel-buffering"), "no");
        assert_eq!(stream.header("content-encoding"), "");
        assert_eq!(stream.header("x-trace-id").len(), 32);
        let retry = stream.frame().await;
        assert!(matches!(retry, Some(Frame::Retry(500..=10_000))), "{retry:?}");
        assert!(matches!(stream.frame().await, Some(Frame::Comment(_))));
        let first = stream.frame().await;
        let Some(Frame::Event { event, name, raw }) = first else {
            panic!("{first:?}");
        };
        assert_eq!(name, None);
        let head = format!("id: 1\ndata: {{\"seq\":1,\"type\":\"run.started\",\"data\":{{\"run_id\":\"{run}\"");
        assert!(raw.starts_with(&head), "{raw}");
        let tail = format!("}},\"created_at\":\"{}\"}}\n\n", event.created_at);
        assert!(raw.ends_with(&tail), "{raw}");
    }

    async fn event_names_come_when_asked_for(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let mut stream = client.events(&run, "?event_names=1").await;
        let mut names = 0;
        while let Some(frame) = stream.frame().await {
            if let Frame::Event { event, name, .. } = frame {
                assert_eq!(name, Some(event.kind));
                names += 1;
            }
        }
        assert_eq!(names, 5);
    }

    async fn the_first_bytes_come_at_once_and_silence_ends_with_a_comment(store: Store) {
        let hold = script([json!([{ "text": "a" }, { "delay_ms": 40_000 }])]);
        let node = Setup::new(store).scripted("m", hold).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let mut stream = client.events(&run, "").await;
        stream.until("message.delta").await;
        let silent_since = Instant::now();
        // A second reader at the present end gets its first bytes without any event.
        let mut second = client.events(&run, "?after_seq=3").await;
        let opened = Instant::now();
        assert!(matches!(second.frame().await, Some(Frame::Retry(_))));
        assert!(opened.elapsed() < Duration::from_secs(1));
        assert!(matches!(stream.frame().await, Some(Frame::Comment(_))));
        let silence = silent_since.elapsed();
        assert!(silence > Duration::from_secs(13) && silence < Duration::from_secs(17), "{silence:?}");
    }

    async fn without_following_it_ends_at_the_present(store: Store) {
        let hold = script([json!([{ "text": "a" }, { "delay_ms": 60_000 }])]);
        let node = Setup::new(store).scripted("m", hold).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        client.events(&run, "").await.until("message.delta").await;
        let log = client.log(&run).await;
        assert_eq!(log.last().map(|e| e.kind.as_str()), Some("message.delta"));
        assert_eq!(client.status(&run).await, "running");
    }

    async fn a_client_that_goes_away_cancels_nothing(store: Store) {
        let node = Setup::new(store).scripted("m", script([count(20, 30)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        for _ in 0..3 {
            let mut stream = client.events(&run, "").await;
            stream.until("message.delta").await;
            drop(stream);
        }
        check_ended(&client.follow(&run).await, "run.completed");
    }

    async fn many_readers_see_the_same(store: Store) {
        let node = Setup::new(store).scripted("m", script([count(30, 10)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let readers: Vec<_> = (0..20).map(|_| {
            let (client, run) = (client.clone(), run.clone());
            tokio::spawn(async move { client.events(&run, "").await.raw_rest().await })
        }).collect();
        let uncut = client.events(&run, "").await.raw_rest().await;
        for reader in readers {
            assert_eq!(reader.await.expect("no panic"), uncut);
        }
        assert_eq!(client.events(&run, "").await.raw_rest().await, uncut, "replayed");
    }
}
