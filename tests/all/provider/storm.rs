//! Many runs on one credential of a provider that others wrote, which counts requests.

use runloom_tests::{Setup, Store, check_ended};
use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinSet;

use super::mocks::llmock;
use super::retries;

/// Of these the mock takes so many at once, and as many in each minute.
const RUNS: usize = 200;
const A_MINUTE: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_runs_get_through_and_the_limit_is_respected() {
    let (mock, judge) = llmock(&["--rpm", &A_MINUTE.to_string()]).await;
    let route = format!(
        "[[routes]]\nroute_id = \"main\"\nmodel = \"mock-1\"\ndefault = true\n\
         base_url = \"{}/v1\"\ntimeouts = {{ header_ms = 150000 }}\n\
         [[personas]]\nkey = \"talker\"\nprompt = \"x\"\n",
        mock.url()
    );
    let node = Setup::new(Store::Sqlite).toml(&route).start().await;
    // The mock sleeps until all are at its door: on a slow machine they would come one by one.
    mock.signal(Signal::STOP);
    let client = node.client();
    let mut runs = Vec::new();
    for number in 0..RUNS {
        // The judge takes a call for a retry of another one that asked the same.
        let body = json!({ "input": format!("hello from {number}") });
        let run = client.run(&body).await;
        client.events(&run, "").await.until("step.started").await;
        runs.push(run);
    }
    mock.signal(Signal::CONT);
    let mut running = JoinSet::new();
    for run in runs {
        let client = client.clone();
        running.spawn(async move { client.follow(&run).await });
    }
    let logs = running.join_all().await;
    let mut refused = 0;
    for events in &logs {
        check_ended(events, "run.completed");
        let classes = retries(events);
        assert!(
            classes
                .iter()
                .all(|class| *class == "provider.rate_limited")
        );
        refused += classes.len();
    }
    assert!(refused > 0, "there was no storm");
    // The fifty, and then the few that find out whether there is room again. A herd of fifty would
    // be refused each time that there is room for one.
    assert!(refused < RUNS, "{refused} calls were refused");
    let verdict = judge.get("/_llmock/verdict").await.expect(200);
    assert_eq!(verdict["passed"], true, "{verdict}");
}
