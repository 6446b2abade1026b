use runloom_tests::{Setup, both_stores, script};
use serde_json::{Value, json};

both_stores! {
    async fn lines_are_json_with_the_ids_of_what_they_are_about(store: Store) {
        let turns = script([json!([{ "error": { "kind": "unauthorized" } }])]);
        let mut node = Setup::new(store).scripted("m", turns)
            .variable("RUNLOOM_LOG", "debug,actix_server=warn").start().await;
        let client = node.client();
        let thread = client.thread().await;
        let created = client.post_nothing(&format!("/v1/threads/{thread}/runs")).await.expect(201);
        let run = created["run_id"].as_str().expect("an id");
        client.follow(run).await;
        let trace = created["trace_id"].as_str().expect("an id");
        let line = node.logged(run).await;
        for line in node.log() {
            let line: Value = serde_json::from_str(&line).expect("every line is JSON");
            assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        }
        for id in [run, trace, &thread] {
            assert!(line.contains(id), "no {id} in {line}");
        }
    }
}
