//! What people do with a deployment beside its running: moving it, backing it up, restoring it.

mod copy;
mod restore;
mod rotation;

use std::path::PathBuf;

use runloom_tests::{Client, Data, Setup, Store, call, count, script, text};

/// A server with routes for runs that end at once, that ask a person, and that take a while.
fn setup(store: Store) -> Setup {
    let question = call("ask_user", serde_json::json!({ "question": "Which?" }));
    Setup::new(store)
        .scripted("say", script([text("Grüße 🌍 \"quoted\" \\ and\nlines")]))
        .scripted("ask", script([question, text("You said {last_tool}.")]))
        .scripted("slow", script([count(150, 20)]))
}

/// Where its server keeps its data.
fn folder(data: &Data) -> PathBuf {
    data.folder().join("data")
}

/// The bytes of a run's log.
async fn bytes(client: &Client, run: &str) -> String {
    client.events(run, "?follow=0").await.raw_rest().await
}
