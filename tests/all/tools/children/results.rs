use runloom_tests::{both_stores, call, check_ended, kinds, script, text};
use serde_json::json;

use super::{children, errors, leads, of, setup, spawned, told, wait, workers};

both_stores! {
    async fn a_parent_with_five_children_gets_their_answers(store: Store) {
        let node = setup(store, "", leads(5), script([text("I did {last_user}.")])).start().await;
        let client = node.client();
        let run = client.run(&json!({ "input": "go", "metadata": { "tier": "gold" } })).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let told = told(&events);
        assert_eq!(told.len(), 5);
        let mut ids = Vec::new();
        for (n, agent) in told.iter().enumerate() {
            assert_eq!((&agent["name"], &agent["status"]), (&json!(format!("w{n}")), &json!("completed")));
            assert_eq!(agent["output"], format!("I did task {n}."));
            assert!(agent["usage"]["cost_usd"].as_f64() > Some(0.0), "{agent}");
            ids.push(agent["run_id"].as_str().expect("an id").to_owned());
        }
        let mut listed = children(&client, &run).await;
        listed.sort();
        ids.sort();
        assert_eq!(listed, ids);
        let parent = client.run_object(&run).await;
        for id in &ids {
            let child = client.run_object(id).await;
            assert_eq!((&child["parent_run_id"], &child["trace_id"]), (&json!(run), &parent["trace_id"]));
            assert_eq!(child["metadata"], json!({ "tier": "gold" }));
            let events = client.log(id).await;
            check_ended(&events, "run.completed");
            let started = &events[0].data;
            assert_eq!((&started["parent_run_id"], &started["persona_id"]), (&json!(run), &json!("worker@1")));
        }
        // Their threads and they themselves are in no list of the organisation's.
        assert_eq!(client.get("/v1/threads").await.expect(200).as_array().map(Vec::len), Some(1));
        assert_eq!(client.get("/v1/runs").await.expect(200).as_array().map(Vec::len), Some(1));
    }

    async fn a_child_that_fails_is_told_of_and_an_answer_is_cut_between_characters(store: Store) {
        let lead = script([json!([
            { "tool_call": { "name": "spawn_agent", "arguments": { "prompt": "x", "persona_id": "worker" } } },
            { "tool_call": { "name": "spawn_agent", "arguments": { "prompt": "y", "persona_id": "talker" } } },
            { "tool_call": { "name": "wait_agents", "arguments": {} } },
        ]), text("done")]);
        let fails = json!([[{ "error": { "kind": "unauthorized", "message": "no" } }]]);
        let talker = "[[personas]]\nkey = \"talker\"\nprompt = \"x\"\nroute_id = \"talk\"\n";
        let node = setup(store, "", lead, fails)
            .scripted("talk", script([text(&"é\n".repeat(20_000))]))
            .toml(talker).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({})).await).await;
        check_ended(&events, "run.completed");
        let told = told(&events);
        assert_eq!((&told[0]["status"], &told[0]["error"]["class"]),
            (&json!("failed"), &json!("provider.unauthorized")));
        let output = told[1]["output"].as_str().expect("an answer");
        assert_eq!(told[1]["output_truncated"], true);
        assert!("é\n".repeat(20_000).starts_with(output) && output.len() > 16_000, "{}", output.len());
    }

    async fn a_parent_that_waits_holds_no_worker(store: Store) {
        let work = script([call("calculator", json!({ "expression": "6*7" })), text("{last_tool}")]);
        let node = setup(store, "", leads(4), work).variable("RUNLOOM_MAX_RUNS", "1").start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(told(&events).len(), 4);
        assert!(kinds(&events).contains(&"tool.paused"), "{:?}", kinds(&events));
    }

    async fn a_child_without_the_persona_said_is_of_its_parents(store: Store) {
        // The children play the same script: they are as deep as may be, and go on to their answer.
        let spawn = call("spawn_agent", json!({ "prompt": "you too" }));
        let lead = script([spawn, wait(), text("I am one.")]);
        let node = setup(store, "max_depth = 2", lead, script([text("x")])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        let child = spawned(&events).remove(0);
        let grandchild = spawned(&client.log(&child).await).remove(0);
        let deepest = client.log(&grandchild).await;
        check_ended(&deepest, "run.completed");
        let errors = errors(&deepest);
        assert_eq!(errors[0].0, "limits.depth");
        assert_eq!(errors[1], ("tool.invalid_arguments".into(), "this run has started no agents".into()));
        assert_eq!(children(&client, &child).await, [grandchild]);
        let told = told(&events);
        assert_eq!(told[0]["output"], "I am one.");
        // What a child is told to have used is of its own children too.
        let cost = |run: serde_json::Value| run["totals"]["total_cost_usd"].as_f64().expect("a cost");
        let own = cost(client.run_object(&child).await);
        let shown = told[0]["usage"]["cost_usd"].as_f64().expect("a cost");
        assert!(shown > own, "{shown} {own}");
    }

    async fn a_child_that_asks_a_person_waits_itself(store: Store) {
        let work = script([call("ask_user", json!({ "question": "Which?" })), text("{last_tool}")]);
        let node = setup(store, "", leads(1), work).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let mut stream = client.events(&run, "").await;
        stream.until("tool.paused").await;
        let child = children(&client, &run).await.remove(0);
        client.events(&child, "").await.until("run.waiting_for_input").await;
        assert_eq!(client.status(&child).await, "waiting_for_input");
        assert_eq!(client.status(&run).await, "running");
        client.input(&child, &json!({ "content": "this" })).await.expect(200);
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(told(&events)[0]["output"], "this");
        assert!(of(&events, "tool.paused").iter().all(|event| event.data["reason"] == "time"));
    }

    async fn calls_in_one_step_wait_for_what_they_spawn(store: Store) {
        let mut turn = workers(2);
        let all = turn.as_array_mut().expect("an array");
        all.push(json!({ "tool_call": { "name": "wait_agents", "arguments": {} } }));
        let node = setup(store, "", script([turn, text("ok")]), script([text("x")])).start().await;
        let client = node.client();
        let events = client.follow(&client.run(&json!({})).await).await;
        check_ended(&events, "run.completed");
        assert_eq!(told(&events).len(), 2);
    }
}
