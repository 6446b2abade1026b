//! Whose runs a member sees.

use runloom_tests::{Answer, Client, Setup, both_stores, script, text};
use serde_json::{Value, json};

use super::colleague;

/// Each way to a run, with the body that it takes.
fn ways(run: &str) -> [(&'static str, String, Value); 7] {
    let call = uuid::Uuid::now_v7();
    let at = |rest: &str| format!("/v1/runs/{run}{rest}");
    [
        ("GET", at(""), Value::Null),
        (
            "GET",
            at("?include=requests,totals,error,metadata"),
            Value::Null,
        ),
        ("GET", at("/events?follow=0"), Value::Null),
        ("GET", at(&format!("/tool-results/{call}")), Value::Null),
        ("POST", at("/events:ticket"), Value::Null),
        ("POST", at(":cancel"), Value::Null),
        ("POST", at("/input"), json!({ "content": "x" })),
    ]
}

async fn go(client: &Client, (method, path, body): &(&str, String, Value)) -> Answer {
    let request = client.request(method.parse().expect("a method"), path);
    let request = if body.is_null() {
        request
    } else {
        request.json(body)
    };
    client.send(request).await
}

both_stores! {
    async fn members_may_be_shown_their_own_runs_only(store: Store) {
        let node = Setup::new(store)
            .scripted("m", script([text("hi")]))
            .scripted("held", script([json!([{ "text": "a" }, "hang"])]))
            .start().await;
        let owner = node.client();
        let (eve, bob) = (
            colleague(&owner, "eve", "member").await,
            colleague(&owner, "bob", "admin").await,
        );
        let thread = owner.thread().await;
        let done = owner.run_in(&thread, &json!({ "input": "x" })).await;
        owner.follow(&done).await;
        let held = owner.run_in(&thread, &json!({ "route_id": "held" })).await;
        owner.events(&held, "").await.until("message.delta").await;
        let own = eve.run(&json!({ "input": "y" })).await;
        eve.follow(&own).await;
        let rows = async |client: &Client, path: &str| {
            client.get(path).await.expect(200).as_array().expect("an array").clone()
        };
        let runs_of = format!("/v1/threads/{thread}/runs");
        assert_eq!(rows(&eve, "/v1/runs").await.len(), 3);

        owner.patch("/v1/org", &json!({ "run_visibility": "own" })).await.expect(200);
        for way in ways(&held) {
            let hidden = go(&eve, &way).await;
            let unknown = uuid::Uuid::now_v7().to_string();
            let other = (way.0, way.1.replace(&held, &unknown), way.2.clone());
            let absent = go(&eve, &other).await;
            let (mut hidden, mut absent) = (
                hidden.expect_error(404, "runs.not_found"),
                absent.expect_error(404, "runs.not_found"),
            );
            (hidden["trace_id"], absent["trace_id"]) = (Value::Null, Value::Null);
            assert_eq!(hidden, absent, "{way:?}");
        }
        let seen = rows(&eve, "/v1/runs").await;
        assert_eq!((seen.len(), &seen[0]["run_id"]), (1, &json!(own)));
        assert_eq!(rows(&eve, "/v1/runs?status=running,completed").await.len(), 1);
        assert!(rows(&eve, &runs_of).await.is_empty());
        // The thread and what was said in it stay everybody's, without the names of runs.
        let shown = eve.get(&format!("/v1/threads/{thread}")).await.expect(200);
        assert_eq!(shown["active_run_id"], Value::Null);
        let messages = rows(&eve, &format!("/v1/threads/{thread}/messages")).await;
        assert!(messages.len() >= 2 && messages.iter().all(|m| m["run_id"].is_null()));
        for on_busy in ["reject", "interrupt"] {
            let busy = eve.post(&runs_of, &json!({ "on_busy": on_busy })).await;
            let error = busy.expect_error(409, "runs.thread_busy");
            assert!(error.get("details").is_none(), "{error}");
        }
        // Her own are as before, and who manages the organisation sees all.
        for way in &ways(&own)[..3] {
            assert_eq!(go(&eve, way).await.status, 200, "{way:?}");
        }
        assert_eq!(rows(&bob, "/v1/runs").await.len(), 3);
        assert_eq!(rows(&bob, &runs_of).await.len(), 2);
        let shown = bob.get(&format!("/v1/threads/{thread}")).await.expect(200);
        assert_eq!(shown["active_run_id"], json!(held));
        bob.cancel(&held).await.expect(200);
        bob.patch("/v1/org", &json!({ "run_visibility": "org" })).await.expect(200);
        assert_eq!(eve.get(&format!("/v1/runs/{held}")).await.status, 200);
    }
}
