//! Personas in files, and what their prompts take from a run's metadata.

use runloom_tests::provider::{Provider, Reply};
use runloom_tests::{Node, Setup, Store, both_stores, check_ended};
use serde_json::{Value, json};

const CLERK: &str = "---
key: clerk
version: 2026-01
default: true
---

You help {{ customer.name }}, floor {{floor}}, in {{{{braces}}.
";

/// A server with one persona in a file, which is the default one.
async fn node(store: Store, provider: &Provider) -> Node {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("clerk.md"), CLERK).expect("the folder takes files");
    let path = folder.path().to_str().expect("paths here are UTF-8");
    let setup = Setup::new(store).provider(provider);
    // They are read at start, so the folder may go then.
    setup.variable("RUNLOOM_PERSONAS_DIR", path).start().await
}

fn metadata() -> Value {
    json!({ "customer": { "name": "{{floor}} & sons" }, "floor": 2, "more": [1] })
}

both_stores! {
    async fn a_prompt_takes_values_of_the_runs_metadata(store: Store) {
        let provider = Provider::start([Reply::text("hi")]).await;
        let node = node(store, &provider).await;
        let client = node.client();
        let run = client.run(&json!({ "metadata": metadata(), "input": "hello" })).await;
        let events = client.follow(&run).await;
        check_ended(&events, "run.completed");
        assert_eq!(events[0].data["persona_id"], "clerk@2026-01");
        let sent = provider.request(1).await.body;
        let prompt = "You help {{floor}} & sons, floor 2, in {{braces}}.";
        assert_eq!(sent["messages"][0], json!({ "role": "system", "content": prompt }));
    }

    async fn a_run_without_a_value_is_refused_and_leaves_nothing(store: Store) {
        let provider = Provider::start([Reply::text("hi")]).await;
        let node = node(store, &provider).await;
        let client = node.client();
        let thread = client.thread().await;
        let runs = format!("/v1/threads/{thread}/runs");
        let problem = "must be a string, a number, true or false";
        let both = json!({ "metadata.customer.name": problem, "metadata.floor": problem });
        let one = json!({ "metadata.floor": problem });
        let table = [
            (json!({}), &both),
            (json!({ "metadata": {} }), &both),
            (json!({ "metadata": { "customer": { "name": null }, "floor": [2] } }), &both),
            (json!({ "metadata": { "customer": { "name": "A" } }, "input": "hello" }), &one),
        ];
        for (body, details) in table {
            let answer = client.post_once(&runs, &body.to_string(), &body).await;
            let error = answer.expect_error(422, "personas.variable_missing");
            assert_eq!(error["details"], *details, "{body}");
        }
        let messages = client.get(&format!("/v1/threads/{thread}/messages")).await.expect(200);
        assert_eq!((client.get(&runs).await.expect(200), messages), (json!([]), json!([])));
        // The same key may be used for what is mended.
        let mended = json!({ "metadata": metadata() });
        client.post_once(&runs, "{}", &mended).await.expect(201);
    }

    async fn a_prompt_that_values_blow_up_is_refused(store: Store) {
        let persona = format!("[[personas]]\nkey = \"p\"\nprompt = \"{}\"\n", "{{v}}".repeat(30));
        let node = Setup::new(store).toml(&persona).start().await;
        let client = node.client();
        let runs = format!("/v1/threads/{}/runs", client.thread().await);
        let long = json!({ "metadata": { "v": "x".repeat(10_000) } });
        client.post(&runs, &long).await.expect_error(422, "personas.prompt_too_long");
    }

    async fn the_programs_personas_can_be_chosen(store: Store) {
        let provider = Provider::start([Reply::text("hi")]).await;
        let node = Setup::new(store).provider(&provider).start().await;
        let client = node.client();
        let run = client.run(&json!({ "persona_id": "summariser", "input": "long" })).await;
        check_ended(&client.follow(&run).await, "run.completed");
        let sent = provider.request(1).await.body;
        let prompt = sent["messages"][0]["content"].as_str().expect("a prompt");
        assert!(prompt.starts_with("You summarise."), "{prompt}");
        assert_eq!(sent.get("tools"), None);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("clerk.md");
    let path = folder.path().to_str().expect("paths here are UTF-8");
    let setup = Setup::new(Store::Sqlite).variable("RUNLOOM_PERSONAS_DIR", path);
    for (wrong, expected) in [
        (
            "---\nkey: clerk\nlimit: 1\n---\nHi.",
            "line 3, column 1: unknown field `limit`",
        ),
        (
            "---\nkey: clerk\ntools:\n- fly\n---\nHi.",
            "line 3: persona clerk@1 wants the tool fly",
        ),
    ] {
        std::fs::write(&file, wrong).expect("the folder takes files");
        let ended = setup.try_start().await.expect_err("it doesn't start");
        let expected = format!("{}, {expected}", file.display());
        let said = ended.stderr.join("\n");
        assert!(said.contains(&expected), "{said}");
    }
}
