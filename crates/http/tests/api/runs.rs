use serde_json::{Value, json};

use crate::client::{Client, Request};
use crate::server::with_server;

/// A thread's path.
pub(crate) async fn thread(client: &Client) -> String {
    let made = client.send(Request::post("/v1/threads")).await.json();
    format!("/v1/threads/{}", made["id"].as_str().expect("an id"))
}

/// Starts a run and gives its path.
pub(crate) async fn start(client: &Client, thread: &str, body: &Value) -> String {
    let made = client.post(&format!("{thread}/runs"), body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    format!(
        "/v1/runs/{}",
        made.json()["run_id"].as_str().expect("an id")
    )
}

/// Reads the stream of a run up to an event of this type.
pub(crate) async fn wait_for(client: &Client, run: &str, event: &str) -> String {
    let mut stream = client
        .open(Request::new("GET", &format!("{run}/events")))
        .await;
    stream.head().await;
    stream.until(&format!("\"type\":\"{event}\"")).await
}

#[test]
fn a_run_from_start_to_end() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let made = ada.send(Request::post(&format!("{thread}/runs"))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let (run_id, trace_id) = (
            made.json()["run_id"].clone(),
            made.json()["trace_id"].clone(),
        );
        assert_eq!(
            made.body,
            format!("{{\"run_id\":{run_id},\"trace_id\":{trace_id}}}")
        );
        assert_eq!(trace_id.as_str(), made.header("x-trace-id"));

        let run = format!("/v1/runs/{}", run_id.as_str().unwrap());
        wait_for(&ada, &run, "run.completed").await;
        let got = ada.get(&run).await;
        let fields = [
            "run_id",
            "org_id",
            "thread_id",
            "created_by_user_id",
            "status",
            "created_at",
            "trace_id",
        ];
        let places: Vec<_> = fields
            .map(|f| got.body.find(&format!("\"{f}\":")).unwrap())
            .into();
        assert!(places.is_sorted());
        assert_eq!(got.json().as_object().unwrap().len(), fields.len());
        assert_eq!(got.json()["trace_id"], trace_id);
        assert_eq!(got.json()["status"], "completed");

        let listed = ada.get("/v1/runs?status=completed,failed").await.json();
        let row = listed[0].as_object().unwrap();
        assert_eq!(row.len(), 18);
        assert_eq!(row["persona_id"], "kind@1");
        assert_eq!(row["created_by_user_name"], "ada");
        assert_eq!(row["failed_at"], json!(null));
        assert!(
            row["completed_at"].is_string() && row["duration_ms"].is_u64(),
            "{listed}"
        );
        assert_eq!(ada.get("/v1/runs?status=queued").await.json(), json!([]));
        let refused = ada.get("/v1/runs?status=done").await.failure();
        assert_eq!(refused, (422, "validation.error".into()));

        let listed = ada.get(&format!("{thread}/runs")).await;
        let row = listed.json()[0].clone();
        assert_eq!(row.as_object().unwrap().len(), 3);
        assert_eq!(
            (&row["run_id"], &row["status"]),
            (&run_id, &json!("completed"))
        );

        let cancel = ada.send(Request::post(&format!("{run}:cancel"))).await;
        assert_eq!(
            (cancel.status, cancel.body.as_str()),
            (200, "{\"ok\":true}")
        );
        let late = ada
            .post(&format!("{run}/input"), &json!({"content": "x"}))
            .await;
        assert_eq!(late.failure(), (409, "runs.not_active".into()));
    });
}

#[test]
fn what_is_checked_before_a_run_starts() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let runs = format!("{thread}/runs");
        for (body, code) in [
            (json!({"persona_id": "nobody"}), "personas.not_found"),
            (json!({"persona_id": "kind@9"}), "personas.not_found"),
            (json!({"route_id": "nowhere"}), "routes.not_found"),
            (json!({"route_id": "off"}), "routes.unavailable"),
            (json!({"limits": {"max_steps": 1_000}}), "validation.error"),
            (json!({"limits": {"max_steps": 0}}), "validation.error"),
            (json!({"limits": {"max_cost_usd": -1}}), "validation.error"),
            (json!({"metadata": []}), "validation.error"),
            (
                json!({"metadata": {"x": "y".repeat(16 * 1024)}}),
                "validation.error",
            ),
            (json!({"on_busy": "wait"}), "validation.error"),
            (json!({"route": "says"}), "validation.error"),
        ] {
            let refused = ada.post(&runs, &body).await;
            assert_eq!(refused.failure(), (422, code.into()), "{body}");
        }
        assert_eq!(ada.get("/v1/runs").await.json(), json!([]));
        let body = json!({
            "persona_id": "", "route_id": null, "input": "hi", "metadata": {"k": "v"},
            "limits": {"max_steps": 3, "max_cost_usd": 0.5}, "on_busy": "enqueue",
        });
        let run = start(&ada, &thread, &body).await;
        wait_for(&ada, &run, "run.completed").await;
        let shown = ada
            .get(&format!("{run}?include=metadata,totals,error"))
            .await
            .json();
        assert_eq!(shown["metadata"], json!({"k": "v"}));
        assert_eq!(shown["error"], json!(null));
        assert!(shown["totals"]["total_output_tokens"].as_u64().unwrap() > 0);
    });
}

#[test]
fn a_busy_thread() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let first = start(&ada, &thread, &json!({"route_id": "holds"})).await;
        let runs = format!("{thread}/runs");
        let busy = ada.post(&runs, &json!({})).await;
        assert_eq!(busy.failure(), (409, "runs.thread_busy".into()));
        let live = busy.json()["details"]["run_id"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(format!("/v1/runs/{live}"), first);
        let shown = ada.get(&thread).await.json();
        assert_eq!(shown["active_run_id"], live.as_str());

        let queued = start(&ada, &thread, &json!({"on_busy": "enqueue"})).await;
        assert_eq!(ada.get(&queued).await.json()["status"], "queued");
        let full = ada.post(&runs, &json!({"on_busy": "enqueue"})).await;
        assert_eq!(full.failure(), (429, "runs.queue_full".into()));
        assert!(full.header("retry-after").is_some());

        ada.send(Request::post(&format!("{first}:cancel"))).await;
        wait_for(&ada, &first, "run.cancelled").await;
        wait_for(&ada, &queued, "run.completed").await;
    });
}

#[test]
fn an_organisation_has_so_many_live_runs() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        for _ in 0..2 {
            let thread = thread(&ada).await;
            start(&ada, &thread, &json!({"route_id": "holds"})).await;
        }
        let thread = thread(&ada).await;
        let refused = ada.send(Request::post(&format!("{thread}/runs"))).await;
        assert_eq!(refused.failure(), (429, "runs.limit_exceeded".into()));
        assert!(refused.header("retry-after").is_some());
    });
}

#[test]
fn a_run_asks_and_is_answered() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let run = start(&ada, &thread, &json!({"persona_id": "careful"})).await;
        wait_for(&ada, &run, "run.waiting_for_input").await;
        let shown = ada.get(&format!("{run}?include=requests")).await.json();
        let request = &shown["requests"][0];
        assert_eq!(request["kind"], "tool_approval");
        assert_eq!(request["arguments"], json!({"what": "all"}));

        let input = format!("{run}/input");
        for (body, field) in [
            (json!({}), "content"),
            (json!({"content": ""}), "content"),
            (json!({"content": 7}), "content"),
            (json!({"content": "maybe"}), "content"),
            (json!({"content": "x".repeat(32_769)}), "content"),
            (
                json!({"content": "approve", "request_id": "x"}),
                "request_id",
            ),
        ] {
            let refused = ada.post(&input, &body).await;
            assert_eq!(refused.failure(), (422, "validation.error".into()));
            assert!(
                refused.json()["details"][field].is_string(),
                "{}",
                refused.body
            );
        }
        let answer = json!({"content": "approve", "request_id": request["request_id"]});
        let taken = ada.post(&input, &answer).await;
        assert_eq!((taken.status, taken.body.as_str()), (200, "{\"ok\":true}"));
        wait_for(&ada, &run, "run.completed").await;

        let call = request["tool_call_id"].as_str().unwrap();
        let result = ada.get(&format!("{run}/tool-results/{call}")).await.json();
        assert_eq!(result["content"].as_str().unwrap().len(), 3_000);
        let unknown = ada.get(&format!("{run}/tool-results/{}", &run[9..])).await;
        assert_eq!(unknown.failure(), (404, "tool_results.not_found".into()));
        let messages = ada
            .get(&format!("{thread}/messages?include=tools"))
            .await
            .json();
        let roles: Vec<_> = messages
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["role"].clone())
            .collect();
        assert_eq!(roles, ["assistant", "tool", "assistant"]);
        assert_eq!(messages[2]["tool_calls"][0]["tool_call_id"], call);
        let plain = ada.get(&format!("{thread}/messages")).await.json();
        assert_eq!(plain.as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_failed_run_says_why() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let run = start(&ada, &thread, &json!({"route_id": "fails"})).await;
        wait_for(&ada, &run, "run.failed").await;
        let shown = ada.get(&format!("{run}?include=error")).await.json();
        assert_eq!(shown["error"]["error_class"], "provider.unauthorized");
        let bob = server.somebody("bob").await;
        for request in [
            Request::new("GET", &run),
            Request::new("GET", &format!("{run}/events")),
            Request::post(&format!("{run}:cancel")),
            Request::post(&format!("{run}/events:ticket")),
            Request::post(&format!("{run}/input")).json(&json!({"content": "x"})),
            Request::new("GET", &format!("{run}/tool-results/{}", &run[9..])),
        ] {
            assert_eq!(
                bob.send(request).await.failure(),
                (404, "runs.not_found".into())
            );
        }
    });
}
