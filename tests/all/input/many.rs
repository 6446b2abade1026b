use runloom_tests::{Client, Metrics, Setup, both_stores, call, check_ended, script, text};
use serde_json::json;
use tokio::task::JoinSet;

use super::asked;

/// Runs that wait, half of them for an approval.
const WAITING: usize = 100;

/// Runs that are made at once.
const MAKING: usize = 16;

const PERSONA: &str = r#"
    [[personas]]
    key = "careful"
    prompt = "Ask first."
    tools = ["calculator"]
    approvals = { default = "ask" }
    [[personas]]
    key = "curious"
    prompt = "Ask."
    tools = ["ask_user"]
    [[personas]]
    key = "talker"
    prompt = "Talk."
"#;

/// Makes a run that comes to wait, and says which and for what.
async fn waiting(client: Client, n: usize) -> String {
    let who = ["careful", "curious"][n % 2];
    let run = client
        .run(&json!({ "persona_id": who, "route_id": who }))
        .await;
    asked(&client, &run).await;
    run
}

async fn all_waiting(client: &Client) -> Vec<String> {
    let (mut making, mut made) = (JoinSet::new(), Vec::new());
    for n in 0..WAITING {
        if making.len() == MAKING {
            made.extend(making.join_next().await);
        }
        making.spawn(waiting(client.clone(), n));
    }
    made.extend(making.join_all().await.into_iter().map(Ok));
    made.into_iter()
        .map(|run| run.expect("no task panics"))
        .collect()
}

both_stores! {
    async fn they_keep_no_other_from_running(store: Store) {
        let node = Setup::new(store)
            .scripted("talker", script([text("Hello.")]))
            .scripted("careful", script([call("calculator", json!({ "expression": "6*7" })), text("ok")]))
            .scripted("curious", script([call("ask_user", json!({ "question": "?" })), text("ok")]))
            .toml(PERSONA)
            // One would be enough to keep all others out.
            .variable("RUNLOOM_MAX_RUNS", "1")
            .start().await;
        let client = node.client();
        let before = node.sockets();
        let runs = all_waiting(&client).await;
        Metrics::until(&client, "runloom_runs{status=\"waiting_for_input\"}", WAITING as f64).await;
        let metrics = Metrics::of(&client).await;
        assert_eq!(metrics.get("runloom_runs_owned") as usize, 0);
        assert_eq!(metrics.get("runloom_event_streams_open") as usize, 0);
        let open = node.sockets().saturating_sub(before);
        assert!(open <= MAKING, "{open} more sockets than before, most of them of our own client");

        let run = client.run(&json!({ "persona_id": "talker" })).await;
        check_ended(&client.follow(&run).await, "run.completed");
        for run in &runs[..2] {
            client.input(run, &json!({ "content": "approve" })).await.expect(200);
            check_ended(&client.follow(run).await, "run.completed");
        }
    }
}
