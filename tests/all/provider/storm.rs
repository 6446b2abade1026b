//! Many runs on one credential of a provider that others wrote, which counts requests.

use runloom_tests::{Client, Part, Setup, Store, check_ended};
use serde_json::json;
use tokio::process::Command;
use tokio::task::JoinSet;

use super::retries;

/// Of these the mock takes so many at once, and as many in each minute.
const RUNS: usize = 200;
const A_MINUTE: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_runs_get_through_and_the_limit_is_respected() {
    let llmock = Part::start("RUNLOOM_TEST_LLMOCK", |program, port| {
        let mut command = Command::new(program);
        command.args(["serve", "-h", "127.0.0.1", "-p", &port.to_string()]);
        command.args(["--rpm", &A_MINUTE.to_string()]);
        command
    })
    .await;
    let route = format!(
        "[[routes]]\nroute_id = \"main\"\nmodel = \"mock-1\"\ndefault = true\n\
         base_url = \"{}/v1\"\n[[personas]]\nkey = \"talker\"\nprompt = \"x\"\n",
        llmock.url()
    );
    let node = Setup::new(Store::Sqlite).toml(&route).start().await;
    let mut running = JoinSet::new();
    for _ in 0..RUNS {
        let client = node.client();
        running.spawn(async move {
            let run = client.run(&json!({ "input": "hello" })).await;
            client.follow(&run).await
        });
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
    // Those who were on their way when the first was refused, and then the few that find out
    // whether there is room again. A herd of fifty would be refused again and again.
    assert!(
        refused < 2 * (RUNS - A_MINUTE),
        "{refused} calls were refused"
    );
    let judge = Client::anonymous(llmock.url());
    let verdict = judge.get("/_llmock/verdict").await.expect(200);
    assert_eq!(verdict["passed"], true, "{verdict}");
}
