use runloom_tests::{Event, EventStream, Setup, both_stores, call, check_ended, script, text};
use serde_json::json;

const DEATHS: usize = 5;

both_stores! {
    async fn a_run_that_kills_its_server_each_time_is_given_up(store: Store) {
        let turns = script([call("calculator", json!({ "expression": "1" })), text("ok")]);
        let persona = "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"calculator\"]\n";
        let mut node = Setup::new(store).scripted("m", turns).toml(persona)
            .variable("FAILPOINTS", "after_intent=return").start().await;
        let run = node.client().run(&json!({})).await;
        let mut deaths = 0;
        let events = loop {
            let client = node.client();
            let request = client.request(reqwest::Method::GET, &format!("/v1/runs/{run}/events"));
            let events = match EventStream::try_open(request).await {
                Some(mut stream) => stream.rest().await,
                // It has died before it could answer.
                None => Vec::new(),
            };
            if events.last().is_some_and(Event::is_terminal) {
                break events;
            }
            deaths += 1;
            assert!(deaths < DEATHS, "it is never given up: {events:#?}");
            node = node.stopped().await.restart().await;
        };
        assert!(deaths > 1, "one crash is no reason to give up");
        let failed = check_ended(&events, "run.failed");
        assert_eq!(failed.data["error_class"], "internal.error");
    }
}
