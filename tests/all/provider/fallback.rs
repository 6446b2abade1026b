use runloom_tests::provider::{Piece, Provider, Reply};
use runloom_tests::{Setup, both_stores, check_ended};
use serde_json::json;

both_stores! {
    async fn a_failing_route_gives_way_to_its_fallback(store: Store) {
        for first in [
            Reply::status(401),
            Reply::status(500),
            Reply::Stream(vec![Piece::Text("half".into()), Piece::Cut]),
        ] {
            let (main, spare) = tokio::join!(
                Provider::start([first]), Provider::start([Reply::text("from the spare")]),
            );
            let route = |name: &str, url: &str, more: &str| format!(
                "[[routes]]\nroute_id = \"{name}\"\nmodel = \"{name}-model\"\nbase_url = \"{url}\"\n\
                 backoff = {{ max_attempts = 2, base_ms = 10, cap_ms = 20 }}\n{more}"
            );
            let node = Setup::new(store)
                .toml(&route("main", main.url(), "default = true\nfallback = \"spare\""))
                .toml(&route("spare", spare.url(), ""))
                .start().await;
            let client = node.client();
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let last = check_ended(&events, "run.completed");
            assert_eq!(last.data["output"], "from the spare");
            let retried = events.iter().rfind(|e| e.kind == "step.retried").expect("a retry");
            assert_eq!(retried.data["next_route_id"], "spare");
            let started = events.iter().rfind(|e| e.kind == "step.started").expect("a step");
            assert_eq!(started.data["route_id"], "spare");
            assert_eq!(started.data["model"], "spare-model");
            assert_eq!(spare.requests().len(), 1);
            assert_eq!(spare.requests()[0].body["model"], "spare-model");
        }
    }
}
