use std::time::{Duration, Instant};

use runloom_tests::provider::{Piece, Provider, Reply};
use runloom_tests::{Setup, both_stores, check_ended};
use serde_json::json;

use super::retries;

fn words(words: &[&str]) -> Vec<Piece> {
    words
        .iter()
        .map(|word| Piece::Text((*word).to_owned()))
        .collect()
}

fn stream(words_first: &[&str], then: Vec<Piece>) -> Reply {
    Reply::Stream(words(words_first).into_iter().chain(then).collect())
}

both_stores! {
    async fn one_that_breaks_off_is_tried_again_and_its_deltas_are_void(store: Store) {
        for broken in [
            stream(&["half ", "an "], vec![Piece::Cut]),
            stream(&["half ", "an "], vec![]),
            stream(&["half ", "an "], vec![Piece::usage(2)]),
        ] {
            let provider = Provider::start([broken, Reply::text("a whole one")]).await;
            let node = Setup::new(store).provider(&provider).start().await;
            let client = node.client();
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let last = check_ended(&events, "run.completed");
            assert_eq!(last.data["output"], "a whole one");
            assert_eq!(retries(&events), ["provider.stream_cut"]);
            let retried = events.iter().find(|e| e.kind == "step.retried").expect("a retry");
            let void = retried.data["discard_from_seq"].as_u64().expect("a seq");
            let first = events.iter().find(|e| e.kind == "message.delta").expect("a delta");
            assert_eq!(void, first.seq);
        }
    }

    async fn one_that_never_begins_or_stalls_is_given_up(store: Store) {
        for (silent, class) in [
            (Reply::Silence, "provider.timeout"),
            (stream(&["half "], vec![Piece::Hang]), "provider.stalled"),
        ] {
            let provider = Provider::start([silent, Reply::text("ok")]).await;
            let node = Setup::new(store).provider(&provider).start().await;
            let client = node.client();
            let since = Instant::now();
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let took = since.elapsed();
            check_ended(&events, "run.completed");
            assert_eq!(retries(&events), [class]);
            assert!(took > Duration::from_millis(1_400) && took < Duration::from_secs(5), "{took:?}");
            provider.hung_up(1).await;
        }
    }

    async fn one_that_is_slow_but_alive_is_waited_for(store: Store) {
        let pause = || Piece::Wait(Duration::from_millis(600));
        let slow = Reply::Stream(vec![
            Piece::Text("a".into()), pause(), Piece::Text("b".into()), pause(),
            Piece::Text("c".into()), pause(), pause(), Piece::Finish("stop"), Piece::usage(3),
            Piece::Done,
        ]);
        let provider = Provider::start([slow]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!((last.data["output"].as_str(), retries(&events).len()), (Some("abc"), 0));
    }

    async fn one_that_trickles_on_for_ever_is_given_up(store: Store) {
        // One byte at a time, never silent for long, and never done.
        let trickle = (0..600).flat_map(|_| [
            Piece::Raw(b":".to_vec()), Piece::Wait(Duration::from_millis(100)),
        ]);
        let provider = Provider::start([Reply::Stream(trickle.collect()), Reply::text("ok")]).await;
        let route = format!(
            "[[routes]]\nroute_id = \"main\"\nmodel = \"m\"\nbase_url = \"{}\"\ndefault = true\n\
             timeouts = {{ header_ms = 1000, idle_ms = 1000, total_ms = 2000 }}\n\
             backoff = {{ max_attempts = 2, base_ms = 10, cap_ms = 20 }}",
            provider.url()
        );
        let node = Setup::new(store).toml(&route).start().await;
        let client = node.client();
        let since = Instant::now();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let took = since.elapsed();
        assert!(took < Duration::from_secs(6), "{took:?}");
        let failed = check_ended(&events, "run.failed");
        assert_eq!(failed.data["error_class"], "provider.timeout");
        provider.hung_up(1).await;
    }

    async fn deltas_arrive_as_they_are_made(store: Store) {
        let pause = Piece::Wait(Duration::from_millis(700));
        let slow = Reply::Stream(vec![
            Piece::Text("first".into()), pause, Piece::Text("second".into()),
            Piece::Finish("stop"), Piece::usage(2), Piece::Done,
        ]);
        let provider = Provider::start([slow]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "x" })).await;
        let mut stream = client.events(&run, "").await;
        stream.until("message.delta").await;
        let first = Instant::now();
        stream.until("message.delta").await;
        assert!(first.elapsed() > Duration::from_millis(500), "{:?}", first.elapsed());
    }

    async fn length_and_content_filter_are_told(store: Store) {
        let ending = |reason| stream(&["some text"], vec![
            Piece::Finish(reason), Piece::usage(2), Piece::Done,
        ]);
        let provider = Provider::start([ending("length"), ending("content_filter")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let step = events.iter().find(|e| e.kind == "step.completed").expect("a step");
        assert_eq!(step.data["finish_reason"], "length");
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let last = events.last().expect("events");
        let told = events.iter().find(|e| e.kind == "step.completed")
            .map(|e| e.data["finish_reason"].clone());
        assert!(
            last.data["error_class"] == "provider.content_filter"
                || told == Some(json!("content_filter")),
            "{events:#?}"
        );
    }
}
