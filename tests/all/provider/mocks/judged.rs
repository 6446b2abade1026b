//! Everything that llmock does to its clients, in every format that it speaks and we do, and what
//! it says of us in the end.

use std::fmt::Debug;

use runloom_tests::{Client, Event, check_ended, one_store, said};
use serde_json::json;

use super::scenarios::{End, Scenario, answers, breaks, refusals};
use super::{Kind, kind, llmock, retries, setup};
use crate::provider::calls;

/// At llmock. Mistral's errors have a form of their own.
const KINDS: [Kind; 5] = [
    kind("openai_chat", "/v1"),
    kind("openai_responses", "/v1"),
    kind("anthropic", "/anthropic/v1"),
    kind("gemini", "/gemini/v1beta"),
    kind("mistral", "/mistral/v1"),
];

/// What requests of a kind have in their path and those of others don't.
fn path(kind: Kind) -> String {
    match kind.name {
        "openai_responses" => "/v1/responses".to_owned(),
        "openai_chat" => "/v1/chat/*".to_owned(),
        _ => format!("{}/*", kind.base),
    }
}

/// Plays the scenarios on a kind, one after the other, and returns how often the model was called
/// by its runs.
async fn play(client: Client, judge: Client, kind: Kind, scenarios: Vec<Scenario>) -> usize {
    let mut called = 0;
    for (number, scenario) in scenarios.into_iter().enumerate() {
        let mut behaviors = scenario.behaviors.clone();
        for behavior in &mut behaviors {
            // Only answers to tools can break tools.
            let tools = (behavior["type"] == "tool_fault").then_some(true);
            behavior["match"] = json!({ "path": path(kind), "tools": tools });
        }
        let what = format!("{} {behaviors:?}", kind.name);
        let queued = json!({ "behaviors": behaviors });
        judge.post("/_llmock/scenario", &queued).await.expect(201);
        // Each with words of its own: what was asked before would look like a retry of it.
        let body = json!({ "route_id": kind.name, "persona_id": scenario.persona,
            "input": format!("Scenario {number} of {}.", kind.name) });
        let events = client.follow(&client.run(&body).await).await;
        check(&events, kind, &scenario, &what);
        called += calls(&events);
    }
    called
}

fn check(events: &[Event], kind: Kind, scenario: &Scenario, what: &str) {
    assert_eq!(retries(events), scenario.retries, "{what}");
    assert!(!format!("{events:?}").contains("canary"), "{what}");
    if let End::Failed(class) = scenario.end {
        let last = check_ended(events, "run.failed");
        return equal(&last.data["error_class"], &json!(class), what);
    }
    let usual = format!("Mock response from {}.", kind.name);
    let text = match scenario.end {
        End::Text(text) | End::Short(text) => text,
        _ => &usual,
    };
    let last = check_ended(events, "run.completed");
    equal(&last.data["output"], &json!(text), what);
    assert!(said(events).ends_with(text), "{what}: {}", said(events));
    let find = |kind: &str| events.iter().find(|event| event.kind == kind);
    match scenario.end {
        End::Short(_) => {
            let step = find("step.completed").expect("a step");
            equal(&step.data["finish_reason"], &json!("length"), what);
        }
        End::ToolResult(content) => {
            let result = find("tool.result").expect("a result");
            equal(&result.data["content"], &json!(content), what);
        }
        End::ToolError(class) => {
            let result = find("tool.result").expect("a result");
            equal(&result.data["error"]["error_class"], &json!(class), what);
        }
        _ => assert!(find("tool.result").is_none(), "{what}"),
    }
}

#[track_caller]
fn equal<T: Debug + PartialEq>(found: &T, wanted: &T, what: &str) {
    assert_eq!(found, wanted, "{what}");
}

/// llmock has met with each request that the logs tell of and with no other, and has nothing to
/// say against any.
async fn check_verdict(judge: &Client, called: usize) {
    let left = judge.get("/_llmock/scenario").await.expect(200);
    assert_eq!(left, json!({ "pending": [] }));
    let verdict = judge.get("/_llmock/verdict").await.expect(200);
    assert_eq!(verdict["passed"], true, "{verdict:#}");
    assert_eq!(verdict["attempts"], called, "{verdict:#}");
    let findings = verdict["findings"].as_array().expect("a list");
    // With jitter, the second of two waits may happen to be the shorter one; and a bad line in a
    // stream that was sent to its end is no failure to llmock, which then finds no retry of it.
    let luck = [json!("no_backoff"), json!("malformed_chunk_ignored")];
    let others = findings
        .iter()
        .filter(|finding| !luck.contains(&finding["code"]));
    assert_eq!(others.count(), 0, "{findings:#?}");
}

one_store! {
    async fn every_behaviour_of_llmock_and_its_verdict(store: Store) {
        let (llmock, judge) = llmock(&[]).await;
        let node = setup(store, &KINDS, &llmock).start().await;
        let work = KINDS.map(|kind| {
            let scenarios = refusals().into_iter().chain(breaks()).chain(answers());
            tokio::spawn(play(node.client(), judge.clone(), kind, scenarios.collect()))
        });
        let mut called = 0;
        for one in work {
            called += one.await.expect("each kind does as it should");
        }
        check_verdict(&judge, called).await;
    }
}
