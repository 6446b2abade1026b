//! Runs that spawn runs: results, shared limits and rights, and ends.

mod ends;
mod limits;
mod nodes;
mod results;
mod tenancy;

use runloom_tests::{Client, Event, Setup, Store, call, script};
use serde_json::{Value, json};

use super::of;

/// `lead` spawns agents of its own kind or workers, which play the script `work`.
const PERSONAS: &str = r#"
    [[personas]]
    key = "lead"
    default = true
    prompt = "Lead."
    tools = ["spawn_agent", "wait_agents", "ask_user"]
    LIMITS

    [[personas]]
    key = "worker"
    prompt = "Work."
    route_id = "work"
    tools = ["ask_user", "calculator"]
"#;

/// A server with both personas; `limits` are those of `lead`, as TOML.
fn setup(store: Store, limits: &str, lead: Value, work: Value) -> Setup {
    let limits = match limits {
        "" => String::new(),
        limits => format!("limits = {{ {limits} }}"),
    };
    Setup::new(store)
        .scripted("lead", lead)
        .scripted("work", work)
        .toml(&PERSONAS.replace("LIMITS", &limits))
}

/// A turn that spawns so many workers.
fn workers(count: usize) -> Value {
    let spawn = |n: usize| {
        let arguments = json!({ "prompt": format!("task {n}"), "persona_id": "worker",
            "name": format!("w{n}") });
        json!({ "tool_call": { "name": "spawn_agent", "arguments": arguments } })
    };
    (0..count).map(spawn).collect()
}

/// A turn that waits for all of them.
fn wait() -> Value {
    call("wait_agents", json!({}))
}

/// A script that spawns so many workers, waits for them and ends.
fn leads(count: usize) -> Value {
    script([workers(count), wait(), runloom_tests::text("done")])
}

/// The runs that a run has spawned, as the API lists them; each shows its parent.
async fn children(client: &Client, run: &str) -> Vec<String> {
    let path = format!("/v1/runs?parent_run_id={run}&limit=100");
    let listed = client.get(&path).await.expect(200);
    let ids = listed.as_array().expect("an array").iter().map(|child| {
        let id = child["run_id"].as_str().expect("an id");
        id.to_owned()
    });
    ids.collect()
}

/// The runs that have been spawned by calls with a result.
fn spawned(events: &[Event]) -> Vec<String> {
    let results = of(events, "tool.result").into_iter();
    let spawns = results.filter(|event| event.data["tool_name"] == "spawn_agent");
    let ids = spawns.filter_map(|event| {
        let content = event.data["content"].as_str()?;
        let said: Value = serde_json::from_str(content).expect("JSON");
        said["run_id"].as_str().map(str::to_owned)
    });
    ids.collect()
}

/// What the last call that waited was told.
fn told(events: &[Event]) -> Vec<Value> {
    let mut results = of(events, "tool.result").into_iter().rev();
    let last = results.find(|event| event.data["tool_name"] == "wait_agents");
    let content = last.and_then(|event| event.data["content"].as_str());
    let content = content.unwrap_or_else(|| panic!("nothing was told: {events:#?}"));
    let said: Value = serde_json::from_str(content).expect("JSON");
    said["agents"].as_array().expect("an array").clone()
}

/// The errors that the model was told.
fn errors(events: &[Event]) -> Vec<(String, String)> {
    let errors = of(events, "tool.result").into_iter().map(|event| {
        let error = &event.data["error"];
        let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
        (text("error_class"), text("message"))
    });
    errors.filter(|(class, _)| !class.is_empty()).collect()
}
