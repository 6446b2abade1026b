use runloom_tests::provider::{Piece, Provider, Reply};
use runloom_tests::{Event, Setup, both_stores, check_ended, said};
use serde_json::{Value, json};

use super::mocks::{AIMOCK, aimock, route, setup};
use super::retries;

/// After how many chunks aimock breaks off: in a text, and in an answer that calls a tool, when the
/// call is whole where it comes in pieces or before the end, and the reason to stop is missing.
fn cuts(kind: &str) -> (u32, u32) {
    match kind {
        "openai_chat" => (3, 7),
        "openai_responses" => (6, 15),
        "anthropic" => (4, 10),
        // The call comes with the reason.
        "gemini" => (2, 2),
        _ => (2, 3),
    }
}

/// Each format breaks off for ever; the spare in each is well.
fn fixtures() -> Vec<Value> {
    let call = json!({ "id": "call_1", "name": "calculator",
        "arguments": { "expression": "6*7" } });
    let mut all = Vec::new();
    for kind in AIMOCK.map(|kind| kind.name) {
        let main = |user: &str, response: Value, cut: u32| {
            json!({
            "match": { "userMessage": user, "model": format!("main.{kind}") },
            "response": response, "latency": 40, "chunkSize": 8, "truncateAfterChunks": cut })
        };
        let (text, tool) = cuts(kind);
        let spare = json!({ "content": "This is the answer of the spare." });
        all.extend([
            main(
                "text",
                json!({ "content": "This is what nobody needs." }),
                text,
            ),
            main(
                "tool",
                json!({ "content": "Let me see.", "toolCalls": [call] }),
                tool,
            ),
            json!({ "match": { "model": format!("spare.{kind}") }, "response": spare }),
        ]);
    }
    all
}

/// Checks that both attempts of the main route are void, and that the spare was asked once.
fn check_changed(events: &[Event], spare: &str) {
    let retried: Vec<&Event> = events.iter().filter(|e| e.kind == "step.retried").collect();
    assert_eq!(retries(events), ["provider.stream_cut"; 2], "{spare}");
    let next: Vec<&Value> = retried.iter().map(|e| &e.data["next_route_id"]).collect();
    assert_eq!(next, [&Value::Null, &json!(spare)]);
    for (attempt, retried) in (1..).zip(retried) {
        let own = |e: &&Event| {
            ["message.delta", "reasoning.delta"].contains(&e.kind.as_str())
                && e.data["attempt"] == attempt
        };
        let first = events.iter().find(own).expect("it had begun");
        assert_eq!(retried.data["discard_from_seq"], first.seq, "{spare}");
    }
}

both_stores! {
    async fn a_failing_route_gives_way_to_its_fallback(store: Store) {
        for first in [
            Reply::status(401),
            Reply::status(500),
            Reply::Stream(vec![Piece::Text("half".into()), Piece::Cut]),
        ] {
            let (main, spare) = tokio::join!(
                Provider::start([first]), Provider::start([Reply::text("from the spare")]),
            );
            let route = |name: &str, url: &str, more: &str| format!(
                "[[routes]]\nroute_id = \"{name}\"\nmodel = \"{name}-model\"\nbase_url = \"{url}\"\n\
                 backoff = {{ max_attempts = 2, base_ms = 10, cap_ms = 20 }}\n{more}"
            );
            let node = Setup::new(store)
                .toml(&route("main", main.url(), "default = true\nfallback = \"spare\""))
                .toml(&route("spare", spare.url(), ""))
                .start().await;
            let client = node.client();
            let events = client.follow(&client.run(&json!({ "input": "x" })).await).await;
            let last = check_ended(&events, "run.completed");
            assert_eq!(last.data["output"], "from the spare");
            let retried = events.iter().rfind(|e| e.kind == "step.retried").expect("a retry");
            assert_eq!(retried.data["next_route_id"], "spare");
            let started = events.iter().rfind(|e| e.kind == "step.started").expect("a step");
            assert_eq!(started.data["route_id"], "spare");
            assert_eq!(started.data["model"], "spare-model");
            assert_eq!(spare.requests().len(), 1);
            assert_eq!(spare.requests()[0].body["model"], "spare-model");
        }
    }

    async fn one_that_breaks_off_in_any_format_leaves_nothing_to_the_answer(store: Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let aimock = aimock(&fixtures(), folder.path()).await;
        let mut setup = setup(store, &[], &aimock);
        let pairs: Vec<_> = AIMOCK.iter().zip(AIMOCK.iter().cycle().skip(1)).collect();
        for (main, spare) in &pairs {
            let names = [format!("main.{}", main.name), format!("spare.{}", spare.name)];
            let to_spare = format!("fallback = \"{}\"\n\
                backoff = {{ max_attempts = 2, base_ms = 10, cap_ms = 20 }}\n", names[1]);
            setup = setup.toml(&route(**main, &aimock, &names[0], &to_spare))
                .toml(&route(**spare, &aimock, &names[1], ""));
        }
        let node = setup.start().await;
        let client = node.client();
        for (main, spare) in pairs {
            for input in ["text", "tool"] {
                let body = json!({ "route_id": format!("main.{}", main.name),
                    "persona_id": "worker", "input": input });
                let events = client.follow(&client.run(&body).await).await;
                let last = check_ended(&events, "run.completed");
                assert_eq!(last.data["output"], "This is the answer of the spare.");
                assert_eq!(said(&events), "This is the answer of the spare.", "{}", main.name);
                check_changed(&events, &format!("spare.{}", spare.name));
                assert!(!events.iter().any(|e| e.kind == "tool.call"), "half an answer calls nothing");
            }
        }
    }
}
