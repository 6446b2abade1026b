use std::sync::Arc;
use std::time::{Duration, Instant};

use runloom_tests::{Fill, Setup, both_stores, script, text};
use serde_json::json;

use super::{org, within};

/// Runs of the month. `cargo xtask bench --only usage` asks for more, and says how long it takes.
const RUNS: u32 = 20_000;

both_stores! {
    async fn a_month_of_runs_is_summed_up(store: Store) {
        let node = Setup::new(store).scripted("m", script([text("hi")])).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let run = client.run_in(&thread, &json!({ "input": "hello" })).await;
        client.follow(&run).await;
        let (org, data) = (org(&client).await, Arc::clone(node.data()));
        let stopped = node.terminate().await;
        let pattern = (org.as_str(), thread.as_str(), run.as_str());
        data.fill(pattern, Fill::Finished { count: RUNS }).await;
        let node = stopped.restart().await;
        let client = node.client();
        for group in ["day", "model", "persona", "user"] {
            let begin = Instant::now();
            let rows = client.get(&format!("/v1/usage?group_by={group}")).await.expect(200);
            within(begin, Duration::from_secs(10), group);
            let rows = rows.as_array().expect("an array");
            let runs: u64 = rows.iter().filter_map(|row| row["runs"].as_u64()).sum();
            let calls: u64 = rows.iter().filter_map(|row| row["calls"].as_u64()).sum();
            // The oldest may be a little more than thirty days old by now.
            assert!(runs > u64::from(RUNS) - 1_000, "{group}: {runs}");
            assert_eq!(runs, calls, "{group}");
        }
        node.terminate().await;
    }
}
