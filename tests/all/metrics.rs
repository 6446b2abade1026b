//! `/metrics`, as Prometheus reads it.

use std::sync::Arc;

use runloom_tests::{Client, Data, Metrics, Setup, Store, both_stores, call, count, script, text};
use serde_json::json;
use tokio_postgres::NoTls;

both_stores! {
    async fn what_a_server_has_done_is_counted(store: Store) {
        let limited = json!([{ "error": { "kind": "rate_limited" } }]);
        let node = Setup::new(store)
            .scripted("says", script([text("hello")]))
            .scripted("fails", script([limited]))
            .scripted("asks", script([call("ask_user", json!({ "question": "?" }))]))
            .start().await;
        let client = node.client();
        let answered = client.run(&json!({ "input": "the secret of the house" })).await;
        client.follow(&answered).await;
        client.follow(&client.run(&json!({ "route_id": "fails" })).await).await;
        let waiting = client.run(&json!({ "route_id": "asks" })).await;
        let mut stream = client.events(&waiting, "").await;
        stream.until("run.waiting_for_input").await;
        client.get("/nowhere").await.expect_error(404, "request.unknown_path");

        let metrics = Metrics::of(&Client::anonymous(node.base())).await;
        metrics.check().await;
        for (name, value) in [
            ("runloom_runs{status=\"waiting_for_input\"}", 1.0),
            ("runloom_runs{status=\"running\"}", 0.0),
            ("runloom_runs_finished_total{status=\"completed\"}", 1.0),
            ("runloom_runs_finished_total{status=\"failed\"}", 1.0),
            ("runloom_runs_finished_total{status=\"cancelled\"}", 0.0),
            ("runloom_runs_without_lease", 0.0),
            ("runloom_queue_oldest_seconds", 0.0),
            ("runloom_fenced_writes_total", 0.0),
            ("runloom_step_retries_total{error_class=\"provider.rate_limited\"}", 2.0),
            ("runloom_model_errors_total{error_class=\"provider.rate_limited\",route_id=\"fails\"}", 3.0),
            ("runloom_model_call_duration_seconds_count{route_id=\"says\"}", 1.0),
            ("runloom_event_streams_open", 1.0),
            ("runloom_http_requests_total{method=\"GET\",route=\"none\",status=\"4xx\"}", 1.0),
            ("runloom_http_requests_total{method=\"POST\",route=\"/v1/threads/{thread_id}/runs\",status=\"2xx\"}", 3.0),
        ] {
            assert!((metrics.get(name) - value).abs() < f64::EPSILON, "{name} in\n{}", metrics.text);
        }
        for some in [
            "runloom_model_tokens_total{bucket=\"output\",route_id=\"says\"}",
            "runloom_model_cost_dollars_total{route_id=\"says\"}",
            "runloom_append_duration_seconds_count",
            "runloom_append_batch_events_sum",
            "runloom_claim_duration_seconds_count",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
        ] {
            assert!(metrics.get(some) > 0.0, "{some} in\n{}", metrics.text);
        }
        let lane = if store == Store::Sqlite { "writes" } else { "appends" };
        let size = format!("runloom_database_lane_size{{lane=\"{lane}\"}}");
        assert_eq!(metrics.get(&size) as u64, 1);
        let me = client.get("/v1/me").await.expect(200);
        let org = me["org_id"].as_str().expect("an id");
        for hidden in [&answered, &waiting, org, node.key(), "the secret of the house"] {
            assert!(!metrics.text.contains(hidden), "{hidden} in\n{}", metrics.text);
        }
    }

    async fn they_can_be_switched_off(store: Store) {
        let node = Setup::new(store).variable("RUNLOOM_METRICS", "0").start().await;
        let answer = Client::anonymous(node.base()).get("/metrics").await;
        answer.expect_error(404, "request.unknown_path");
    }
}

/// Somebody else has taken a run, and its former owner doesn't know yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_writes_are_counted() {
    let data = Arc::new(Data::fresh(Store::Postgres).await);
    let setup = Setup::new(Store::Postgres).on(Arc::clone(&data));
    let setup = setup.scripted("m", script([count(1_500, 20)]));
    let node = setup.start().await;
    let client = node.client();
    let run = client.run(&json!({})).await;
    client.events(&run, "").await.until("message.delta").await;
    let url = data.database_url().expect("a PostgreSQL");
    let connected = tokio_postgres::connect(&url, NoTls).await;
    let (session, connection) = connected.expect("the database answers");
    tokio::spawn(connection);
    let taken = session
        .execute("UPDATE run_heads SET epoch = epoch + 1", &[])
        .await;
    assert_eq!(taken.expect("it can be changed"), 1);
    let metrics = Metrics::until(&client, "runloom_fenced_writes_total", 1.0).await;
    assert_eq!(metrics.get("runloom_fenced_writes_total") as u64, 1);
}
