//! One organisation's many runs don't keep another's first from starting.

use runloom_tests::{Setup, both_stores, check_ended, count, script};
use serde_json::json;

both_stores! {
    async fn an_organisation_does_not_wait_for_anothers_backlog(store: Store) {
        let node = Setup::new(store)
            .scripted("short", script([count(5, 40)]))
            .variable("RUNLOOM_MAX_RUNS", "2")
            .start()
            .await;
        let (busy, ada) = (node.client(), node.client().stranger("ada").await);
        let mut backlog = Vec::new();
        for _ in 0..60 {
            backlog.push(busy.run(&json!({})).await);
        }
        let run = ada.run(&json!({})).await;
        ada.events(&run, "").await.until("run.completed").await;
        let mut ended = 0;
        for run in &backlog {
            ended += usize::from(busy.status(run).await == "completed");
        }
        assert!(ended < 50, "{ended} of {} went before", backlog.len());
        for run in &backlog {
            busy.events(run, "").await.until("run.completed").await;
        }
        check_ended(&busy.log(&backlog[0]).await, "run.completed");
    }
}
