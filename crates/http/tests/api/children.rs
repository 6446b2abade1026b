use runloom_domain::{Clock as _, EncodedEvent, NodeId, RunId, SystemClock, ThreadId, TraceId};
use runloom_store::{
    Allowance, CreateRun, LiveLimits, NewRun, OnBusy, Once, ParentRun, RunStore as _,
};
use serde_json::{Value, json};

use crate::client::Client;
use crate::runs::{start, thread};
use crate::server::{Server, with_server};

/// Spawns a child of the run at this path, as a tool of it would; nobody works on it. Returns
/// the ids of child and thread.
async fn spawn(server: &Server, client: &Client, parent: &str) -> (RunId, ThreadId) {
    let shown = client.get(parent).await.json();
    let now = SystemClock.now();
    let node = NodeId::generate(now);
    server.store.renew_lease(node).await.expect("a lease");
    let (run_id, thread_id) = (RunId::generate(now), ThreadId::generate(now));
    let id = |field: &str| shown[field].as_str().expect("an id").to_owned();
    let new = NewRun {
        org_id: id("org_id").parse().expect("an id"),
        run_id,
        thread_id,
        parent: Some(ParentRun {
            run_id: id("run_id").parse().expect("an id"),
            thread_title: Some("look it up".into()),
        }),
        created_by: id("created_by_user_id").parse().expect("an id"),
        api_key_id: None,
        trace_id: TraceId::generate(),
        created_at: now,
        persona_id: "kind@1".into(),
        route_id: "says".into(),
        model: "says".into(),
        metadata: None,
        input: None,
        rewind: None,
        contents: Vec::new(),
        on_busy: OnBusy::Reject,
        max_live_runs: LiveLimits::default(),
        allowance: Allowance::default(),
        owner: Some(node),
        first_event: Box::new(move |_, _| EncodedEvent {
            event_type: "run.started".into(),
            data: "{}".into(),
            private: None,
            created_at: now,
        }),
        once: None,
    };
    let made = server.store.create_run(new).await.expect("it is written");
    assert!(
        matches!(made, Once::Done(CreateRun::Created(_))),
        "{made:?}"
    );
    (run_id, thread_id)
}

async fn listed(client: &Client, query: &str) -> Vec<Value> {
    let page = client.get(&format!("/v1/runs{query}")).await.json();
    let rows = page.as_array().expect("an array").iter();
    rows.map(|row| row["run_id"].clone()).collect()
}

#[test]
fn children_are_found_by_their_parent() {
    with_server(|server| async move {
        let (ada, eve) = (server.somebody("ada").await, server.somebody("eve").await);
        let own = thread(&ada).await;
        let parent = start(&ada, &own, &json!({ "route_id": "holds" })).await;
        let parent_id = parent.trim_start_matches("/v1/runs/");
        let (first, hidden) = spawn(&server, &ada, &parent).await;
        let (second, _) = spawn(&server, &ada, &parent).await;

        let child = ada.get(&format!("/v1/runs/{first}")).await.json();
        assert_eq!(child["parent_run_id"], parent_id);
        assert_eq!(ada.get(&parent).await.json().get("parent_run_id"), None);
        let of_parent = format!("?parent_run_id={parent_id}");
        assert_eq!(listed(&ada, "").await, [json!(parent_id)]);
        assert_eq!(listed(&ada, "?status=running").await, [json!(parent_id)]);
        let children = listed(&ada, &of_parent).await;
        assert_eq!(children.len(), 2, "{children:?}");
        assert!(children.contains(&json!(first)) && children.contains(&json!(second)));
        let page = ada.get(&format!("/v1/runs{of_parent}&limit=1")).await;
        assert_eq!(page.json().as_array().map(Vec::len), Some(1));
        assert!(page.header("x-next-cursor").is_some());
        let ended = format!("{of_parent}&status=completed");
        assert_eq!(listed(&ada, &ended).await, [] as [Value; 0]);

        let threads = ada.get("/v1/threads").await.json();
        assert_eq!(threads.as_array().map(Vec::len), Some(1), "{threads}");
        let hidden = format!("/v1/threads/{hidden}");
        assert_eq!(ada.get(&hidden).await.json()["title"], "look it up");
        assert_eq!(ada.get(&format!("{hidden}/messages")).await.status, 200);
        let runs = ada.get(&format!("{hidden}/runs")).await.json();
        assert_eq!(runs[0]["run_id"], json!(first));

        assert_eq!(listed(&eve, &of_parent).await, [] as [Value; 0]);
        assert_eq!(eve.get(&hidden).await.status, 404);
        assert_eq!(eve.get(&format!("/v1/runs/{first}")).await.status, 404);
        for bad in ["x", "", &parent_id.replace('-', "")] {
            let refused = ada.get(&format!("/v1/runs?parent_run_id={bad}")).await;
            assert_eq!(refused.failure(), (422, "validation.error".into()));
        }
        server.gate.add_permits(1);
    });
}
