use std::time::{Duration, Instant};

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Setup, both_stores, check_ended};
use serde_json::json;

use super::{grown_less, within};

const SIZE: usize = 5 * 1024 * 1024;
const RUNS: usize = 8;

both_stores! {
    async fn a_tool_result_of_5_mb_costs_bounded_memory(store: Store) {
        let persona = "[[personas]]\nkey = \"p\"\nprompt = \"x\"\ntools = [\"repeat\"]\n";
        let arguments = json!({ "text": "0123456789abcdef", "times": SIZE / 16 });
        let calls = Reply::call("repeat", &arguments);
        let replies = [calls.clone(), Reply::text("ok")];
        let provider = Provider::start(replies.clone()).await;
        let node = Setup::new(store).provider(&provider).toml(persona).start().await;
        let client = node.client();
        let mut before = 0;
        for number in 0..RUNS {
            provider.now_replies(replies.clone());
            let begin = Instant::now();
            let run = client.run(&json!({})).await;
            let events = client.follow(&run).await;
            within(begin, Duration::from_secs(10), "the run");
            check_ended(&events, "run.completed");
            let result = events.iter().find(|event| event.kind == "tool.result");
            let result = &result.expect("a result").data;
            assert_eq!(result["truncated"], true);
            assert_eq!(result["content"].as_str().map(str::len), Some(64 * 1024));
            let id = result["tool_call_id"].as_str().expect("an id");
            let whole = client.get(&format!("/v1/runs/{run}/tool-results/{id}")).await.expect(200);
            assert_eq!(whole["content"].as_str().map(str::len), Some(SIZE));
            if number == 1 {
                // What one result needs is taken once, by each thread that meets one.
                before = node.resident_bytes();
            }
        }
        let shown = provider.request(2).await.body.to_string().len();
        assert!(shown < 2 * 64 * 1024, "the model was sent {shown} bytes");
        grown_less(&node, before, 64, "six more results");
    }
}
