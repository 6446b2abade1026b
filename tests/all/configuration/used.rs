//! What organisations have configured, as runs see it.

use runloom_tests::{Client, Event, PATIENCE, Store, both_stores, call, script, text};
use serde_json::{Value, json};

use super::{PERSONAS, ROUTES, credential, route, setup};

/// How a run that is started so begins.
async fn started(client: &Client, body: &Value) -> Event {
    let run = client.run(body).await;
    client.log(&run).await.remove(0)
}

both_stores! {
    async fn runs_see_what_was_written_before_them(store: Store) {
        let node = setup(store).scripted("main", script([text("1")])).start().await;
        let client = node.client();
        assert_eq!(started(&client, &json!({})).await.data["route_id"], "main");
        let own = route(&client, &credential(&client).await, json!({})).await;
        let begin = started(&client, &json!({ "route_id": own })).await;
        assert_eq!((&begin.data["route_id"], &begin.data["model"]), (&json!(own), &json!("big")));
        assert_eq!(started(&client, &json!({})).await.data["route_id"], "main");
        let path = format!("{ROUTES}/{own}");
        client.patch(&path, &json!({ "is_default": true })).await.expect(200);
        assert_eq!(started(&client, &json!({})).await.data["route_id"], own.as_str());
        client.patch(&path, &json!({ "enabled": false })).await.expect(200);
        assert_eq!(started(&client, &json!({})).await.data["route_id"], "main");
        let runs = format!("/v1/threads/{}/runs", client.thread().await);
        client.post(&runs, &json!({ "route_id": own })).await
            .expect_error(422, "routes.unavailable");

        let persona = json!({ "key": "clerk", "prompt": "x", "is_default": true });
        client.post(PERSONAS, &persona).await.expect(201);
        assert_eq!(started(&client, &json!({})).await.data["persona_id"], "clerk@1");
        let further = json!({ "prompt": "y", "route_id": "main" });
        client.post(&format!("{PERSONAS}/clerk/versions"), &further).await.expect(201);
        assert_eq!(started(&client, &json!({})).await.data["persona_id"], "clerk@2");
        let first = json!({ "persona_id": "clerk@1" });
        assert_eq!(started(&client, &first).await.data["persona_id"], "clerk@1");
        assert_eq!(client.delete(&format!("{PERSONAS}/clerk")).await.status, 204);
        client.post(&runs, &first).await.expect_error(422, "personas.not_found");
        let other = started(&client, &json!({})).await;
        assert_ne!(other.data["persona_id"], "clerk@2");
    }

    async fn what_an_open_run_froze_stays(store: Store) {
        let node = setup(store)
            .scripted("ask", script([call("ask_user", json!({ "question": "?" }))]))
            .start()
            .await;
        let client = node.client();
        let credential = credential(&client).await;
        let spare = route(&client, &credential, json!({})).await;
        let own = route(&client, &credential, json!({ "fallback_route_id": spare })).await;
        let thread = client.thread().await;
        let waiting = client.run_in(&thread, &json!({ "input": "x" })).await;
        client.events(&waiting, "").await.until("run.waiting_for_input").await;
        // It has frozen its routes and waits, however long.
        let queued = json!({ "route_id": own, "on_busy": "enqueue" });
        let queued = client.run_in(&thread, &queued).await;
        client.patch(&format!("{ROUTES}/{own}"), &json!({ "fallback_route_id": null })).await
            .expect(200);
        for path in [format!("{ROUTES}/{own}"), format!("{ROUTES}/{spare}")] {
            let used = client.delete(&path).await.expect_error(409, "routes.in_use");
            assert_eq!(used["details"], json!({ "routes": 0, "runs": 1 }));
        }
        let path = format!("/v1/llm-credentials/{credential}");
        let used = client.delete(&path).await.expect_error(409, "credentials.in_use");
        assert_eq!(used["details"], json!({ "routes": 2, "runs": 1 }));
        client.cancel(&queued).await.expect(200);
        for path in [format!("{ROUTES}/{own}"), format!("{ROUTES}/{spare}"), path] {
            assert_eq!(client.delete(&path).await.status, 204);
        }
    }
}

/// What one node writes, another sees soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_sees_what_was_written() {
    let node = setup(Store::Postgres)
        .variable("RUNLOOM_MASTER_KEY", runloom_tests::MASTER_KEY)
        .scripted("main", script([text("1")]))
        .start()
        .await;
    let peer = node.peer("peer").await;
    let (here, there) = (node.client(), node.client().at(peer.base()));
    assert_eq!(started(&there, &json!({})).await.data["route_id"], "main");
    let own = route(&here, &credential(&here).await, json!({})).await;
    let runs = format!("/v1/threads/{}/runs", here.thread().await);
    let seen = async {
        loop {
            let body = json!({ "route_id": own, "on_busy": "enqueue" });
            let answer = there.post(&runs, &body).await;
            if answer.status == 201 {
                return;
            }
            answer.expect_error(422, "routes.not_found");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen)
        .await
        .expect("it is seen soon");
}
