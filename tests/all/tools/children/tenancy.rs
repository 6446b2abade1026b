//! A child of another organisation, or of another parent, is impossible.

use runloom_tests::{both_stores, call, check_ended, script, text};
use serde_json::json;

use super::{children, errors, leads, setup, spawned, wait};

both_stores! {
    async fn another_organisations_persona_is_not_there(store: Store) {
        let spawn = |persona: &str| {
            let arguments = json!({ "prompt": "x", "persona_id": persona });
            json!({ "tool_call": { "name": "spawn_agent", "arguments": arguments } })
        };
        let lead = script([json!([spawn("theirs"), spawn("nobodys"), spawn("worker@7")]), text("ok")]);
        let node = setup(store, "", lead, script([text("x")])).start().await;
        let (client, stranger) = (node.client(), node.client().stranger("stranger").await);
        let body = json!({ "key": "theirs", "prompt": "Ours alone." });
        stranger.post("/v1/personas", &body).await.expect(201);
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let errors = errors(&events);
        assert_eq!(errors.len(), 3);
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
        assert_eq!(errors[0].0, "tool.invalid_arguments");
        assert!(errors[0].1.contains("persona"), "{errors:?}");
        assert_eq!(children(&client, &run).await.len(), 0);
    }

    async fn runs_of_others_can_not_be_waited_for(store: Store) {
        let node = setup(store, "", leads(1), script([text("secret")])).start().await;
        let (client, stranger) = (node.client(), node.client().stranger("stranger").await);
        let mut others = Vec::new();
        for other in [&client, &stranger] {
            let run = other.run(&json!({})).await;
            let events = other.follow(&run).await;
            check_ended(&events, "run.completed");
            others.extend([run, spawned(&events).remove(0)]);
        }
        others.extend(["0193c2d4-0000-7000-8000-000000000000".to_owned(), "x".to_owned()]);
        let waits = others.iter().map(|id| {
            json!({ "tool_call": { "name": "wait_agents", "arguments": { "run_ids": [id] } } })
        });
        let nosy = script([call("spawn_agent", json!({ "prompt": "x", "persona_id": "worker" })),
            waits.collect(), text("ok")]);
        let stopped = node.terminate().await;
        let node = stopped.restart_with(|setup| setup.scripted("nosy", nosy)).await;
        let client = client.at(node.base());
        let run = client.run(&json!({ "route_id": "nosy" })).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let mut told = errors(&events);
        let mut expected: Vec<_> = others.iter().map(|id| {
            let message = format!("run_ids: this run has started no agent {id:?}");
            ("tool.invalid_arguments".to_owned(), message)
        }).collect();
        told.sort();
        expected.sort();
        assert_eq!(told, expected);
    }

    async fn a_child_works_for_whom_its_parent_works_for(store: Store) {
        let lead = script([call("spawn_agent", json!({ "prompt": "x", "persona_id": "worker",
            "org_id": "0193c2d4-0000-7000-8000-000000000000", "user_id": "x" })), wait(), text("ok")]);
        let node = setup(store, "", lead, script([text("x")])).start().await;
        let (owner, stranger) = (node.client(), node.client().stranger("stranger").await);
        let run = stranger.run(&json!({})).await;
        let events = stranger.follow(&run).await;
        check_ended(&events, "run.completed");
        let child = spawned(&events).remove(0);
        owner.get(&format!("/v1/runs/{child}")).await.expect_error(404, "runs.not_found");
        let seen = stranger.run_object(&child).await;
        let thread = format!("/v1/threads/{}/messages", seen["thread_id"].as_str().expect("an id"));
        let said = stranger.get(&thread).await.expect(200);
        assert_eq!(said.as_array().map(Vec::len), Some(2));
        owner.get(&thread).await.expect_error(404, "threads.not_found");
    }
}
