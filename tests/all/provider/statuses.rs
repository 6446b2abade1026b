use std::time::Duration;

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Setup, both_stores, check_ended};
use serde_json::json;

use super::{calls, retries};

both_stores! {
    async fn what_cannot_get_better_is_final(store: Store) {
        let provider = Provider::start([Reply::status(401)]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        for (status, class) in [
            (400, "provider.bad_request"), (401, "provider.unauthorized"),
            (402, "provider.payment_required"), (403, "provider.unauthorized"),
            (404, "provider.not_found"),
        ] {
            provider.now_replies([Reply::status(status)]);
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let failed = check_ended(&events, "run.failed");
            assert_eq!(failed.data["error_class"], class, "{status}");
            assert_eq!((calls(&events), retries(&events).len()), (1, 0), "{status}");
            assert!(failed.data["message"].as_str().is_some_and(|text| !text.is_empty()));
        }
        assert_eq!(provider.requests().len(), 5);
    }

    async fn what_may_get_better_is_tried_again_but_not_for_ever(store: Store) {
        for (status, class) in [
            (408, "provider.timeout"), (429, "provider.rate_limited"),
            (500, "provider.unavailable"), (503, "provider.unavailable"),
            (529, "provider.unavailable"),
        ] {
            // One node for each: what has failed five times in a row is left alone for a while.
            let provider = Provider::start([Reply::status(status)]).await;
            let node = Setup::new(store).provider(&provider).start().await;
            let client = node.client();
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let failed = check_ended(&events, "run.failed");
            assert_eq!(failed.data["error_class"], class, "{status}");
            assert_eq!(retries(&events), [class, class], "{status}");
            assert_eq!(provider.requests().len(), 3, "{status}");
        }
    }

    async fn a_provider_that_fails_again_and_again_is_left_alone(store: Store) {
        let provider = Provider::start([Reply::status(503)]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        // Three tries each; the last of them isn't made any more.
        for _ in 0..2 {
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let failed = check_ended(&events, "run.failed");
            assert_eq!(failed.data["error_class"], "provider.unavailable");
        }
        assert_eq!(provider.requests().len(), 5);
        let run = client.run(&json!({ "input": "x" })).await;
        let seen = client.events(&run, "").await.until("step.retried").await;
        let waits = seen.last().expect("a retry").data["delay_ms"].as_u64().expect("a number");
        assert!((8_000..=11_100).contains(&waits), "{waits}");
        assert_eq!(provider.requests().len(), 5, "it waits until the provider has rested");
        client.cancel(&run).await.expect(200);
    }

    async fn a_second_try_may_succeed(store: Store) {
        let provider = Provider::start([
            Reply::status(500), Reply::status(429), Reply::text("at last"),
        ]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let last = check_ended(&events, "run.completed");
        assert_eq!(last.data["output"], "at last");
        assert_eq!(retries(&events), ["provider.unavailable", "provider.rate_limited"]);
    }

    async fn retry_after_is_honoured_within_reason(store: Store) {
        let provider = Provider::start([
            Reply::status(429).with_header("Retry-After", "1"), Reply::text("ok"),
        ]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        check_ended(&events, "run.completed");
        let requests = provider.requests();
        let gap = requests[1].at - requests[0].at;
        assert!(gap >= Duration::from_millis(990) && gap < Duration::from_secs(2), "{gap:?}");
        let retried = events.iter().find(|e| e.kind == "step.retried").expect("a retry");
        let delay = retried.data["delay_ms"].as_u64().expect("a number");
        assert!((1_000..=1_100).contains(&delay), "{delay}");

        provider.now_replies([
            Reply::status(503).with_header("Retry-After", "3600"), Reply::text("ok"),
        ]);
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let failed = check_ended(&events, "run.failed");
        assert_eq!(failed.data["error_class"], "provider.unavailable");
        assert_eq!(calls(&events), 1, "nobody waits an hour");
    }

    async fn a_refused_connection_is_an_unavailable_provider(store: Store) {
        let provider = Provider::start([Reply::Silence]).await;
        let setup = Setup::new(store).provider(&provider);
        drop(provider);
        let node = setup.start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
        let failed = check_ended(&events, "run.failed");
        assert_eq!(failed.data["error_class"], "provider.unavailable");
        assert_eq!(calls(&events), 3);
    }

    async fn raw_payloads_and_keys_never_reach_clients_or_logs(store: Store) {
        let provider = Provider::start([Reply::status(401)]).await;
        let url = provider.url();
        let node = Setup::new(store)
            .toml(&format!(
                "[[routes]]\nroute_id = \"main\"\nmodel = \"m\"\nbase_url = \"{url}\"\n\
                 api_key_env = \"CANARY_KEY\"\ndefault = true"
            ))
            .variable("CANARY_KEY", "key-canary-7f3a")
            .variable("RUNLOOM_LOG", "debug")
            .start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "x" })).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.failed");
        let sent = provider.request(1).await;
        assert_eq!(sent.headers["authorization"], "Bearer key-canary-7f3a");
        let shown = format!("{events:?} {} {:?}", client.run_object(&run).await, node.log());
        for canary in ["key-canary", "sk-secret-canary", &node.key()[12..]] {
            assert!(!shown.contains(canary), "{canary} in {shown}");
        }
    }
}
