//! A real browser: the pages that show the API, and a run's events in a page's own hands.

use std::path::Path;

use runloom_tests::{Event, Node, Setup, both_stores, check_ended, count, one_store, script, soon};
use serde_json::{Value, json};
use tokio::process::Command;

/// Does a task of `visit.mjs` on the server's `/docs` and returns what was seen there.
async fn visit(node: &Node, task: &str, more: Value) -> Value {
    let profile = tempfile::tempdir().expect("a folder");
    let mut wanted = more;
    wanted["task"] = task.into();
    wanted["base"] = node.base().into();
    wanted["profile"] = profile.path().to_str().expect("UTF-8").into();
    let visitor = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/visit.mjs");
    let mut command = Command::new("node");
    command
        .arg(visitor)
        .arg(wanted.to_string())
        .kill_on_drop(true);
    let output = soon("the browser", command.output()).await;
    let output = output.expect("node runs; `cargo xtask test` sees to it");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{task}: {errors}");
    let seen: Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    assert_eq!(
        seen["complaints"],
        json!([]),
        "the browser's console is silent"
    );
    for request in seen["requests"].as_array().expect("an array") {
        let url = request.as_str().expect("a URL");
        let own = url.starts_with(&format!("{}/", node.base()));
        assert!(own || url.starts_with("data:"), "{url} is elsewhere");
    }
    seen
}

/// `method path` of every operation of an OpenAPI document, sorted.
fn operations(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().expect("an object");
    let mut all: Vec<String> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("an object").keys();
            methods
                .filter(|name| *name != "parameters")
                .map(move |method| format!("{method} {path}"))
        })
        .collect();
    all.sort();
    all
}

fn texts(values: &Value) -> Vec<String> {
    let values = values.as_array().expect("an array").iter();
    values
        .map(|value| value.as_str().expect("a text").to_owned())
        .collect()
}

one_store! {
    async fn the_documentation_shows_every_operation_and_needs_no_other_host(store: Store) {
        let node = Setup::new(store).start().await;
        let document = node.client().get("/openapi.json").await.expect(200);
        let seen = visit(&node, "documents", json!({})).await;
        let mut shown = texts(&seen["operations"]);
        shown.sort();
        assert_eq!(shown, operations(&document));
        assert_eq!(seen["status"], 200, "a request from the page itself");
    }
}

both_stores! {
    async fn a_page_reads_a_run_hangs_up_and_goes_on(store: Store) {
        let node = Setup::new(store).scripted("m", script([count(40, 50)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let seen = visit(&node, "fetched", json!({ "run": run, "token": node.key(), "cut": 9 })).await;
        assert_eq!(seen["last"], 9);
        let blocks = [texts(&seen["before"]), texts(&seen["after"])].concat();
        let read = blocks.join("\n\n") + "\n\n";
        check_ended(&client.log(&run).await, "run.completed");
        assert_eq!(read, client.events(&run, "").await.raw_rest().await);
    }

    async fn an_event_source_reads_a_run_by_ticket_and_stops_at_its_end(store: Store) {
        let node = Setup::new(store).scripted("m", script([count(20, 50)])).start().await;
        let client = node.client();
        let run = client.run(&json!({})).await;
        let path = format!("/v1/runs/{run}/events:ticket");
        let ticket = client.post_nothing(&path).await.expect(201)["ticket"].clone();
        let seen = visit(&node, "sourced", json!({ "run": run, "ticket": ticket })).await;
        let messages = seen["messages"].as_array().expect("an array").iter();
        let read: Vec<Event> = messages.map(|message| {
            let event: Event = serde_json::from_str(message["data"].as_str().expect("a text"))
                .expect("an event");
            assert_eq!(message["lastEventId"], event.seq.to_string());
            event
        }).collect();
        check_ended(&read, "run.completed");
        assert_eq!(read, client.log(&run).await);
        // It came back by itself once, was told that nothing follows, and left it at that.
        assert_eq!(seen["opened"], 1);
    }
}
