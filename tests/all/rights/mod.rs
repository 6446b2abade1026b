//! What people may ask for of their data: taking it along, and having it deleted.

mod deleted;
mod moved;
mod whole;

use std::fs;
use std::path::{Path, PathBuf};

use runloom_tests::{Client, Data, Outcome, Setup, Store, call, count, script, text, xtask};
use serde_json::{Value, json};

const PASSWORD: &str = "a long enough passphrase";

/// A server with routes for runs that end at once, that ask a person, and that go on for a while.
fn setup(store: Store) -> Setup {
    let question = call("ask_user", json!({ "question": "Which?" }));
    Setup::new(store)
        .scripted("say", script([text("Grüße 🌍 \"quoted\" \\ and\nlines")]))
        .scripted("ask", script([question, text("You said {last_tool}.")]))
        .scripted("slow", script([count(100_000, 5)]))
        .variable("RUNLOOM_NET_ALLOW", "127.0.0.0/8")
}

/// A developer task on the database of a server.
async fn task(data: &Data, arguments: &[&str]) -> Outcome {
    let folder = data.folder().join("data");
    let (option, value) = match data.database_url() {
        Some(url) => ("--database-url", url),
        None => ("--data-dir", shown(&folder).to_owned()),
    };
    xtask(&[arguments, &[option, &value]].concat()).await
}

async fn export(data: &Data, org: &str, name: &str) -> PathBuf {
    let file = data.folder().join(name);
    let arguments = ["orgs", "export", org, shown(&file)];
    task(data, &arguments).await.expect();
    file
}

/// The same once everything in the audit log has its seal, for which a server must be running.
async fn export_sealed(data: &Data, org: &str, name: &str) -> PathBuf {
    for _ in 0..100 {
        let file = export(data, org, name).await;
        let text = fs::read_to_string(&file).expect("it was written");
        if !text.contains("{\"type\":\"audit_pending\"") {
            return file;
        }
        fs::remove_file(&file).expect("it is there");
    }
    panic!("nobody seals the audit log");
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn id(value: &Value) -> String {
    value.as_str().expect("an id").to_owned()
}

async fn org_of(client: &Client) -> String {
    id(&client.get("/v1/me").await.expect(200)["org_id"])
}

/// The bytes of a run's log.
async fn bytes(client: &Client, run: &str) -> String {
    client.events(run, "?follow=0").await.raw_rest().await
}

async fn sign_in(base: &str, login: &str, password: &str) -> Client {
    let body = json!({ "login": login, "password": password });
    let answer = Client::anonymous(base).post("/v1/auth/login", &body).await;
    Client::new(base, &id(&answer.expect(200)["access_token"]))
}

/// Somebody new in the organisation of `by`.
async fn colleague(by: &Client, login: &str) -> Client {
    let email = format!("{login}@example.com");
    let invitation = json!({ "email": email, "role": "member" });
    let invited = by.post("/v1/invitations", &invitation).await.expect(201);
    let body = json!({
        "login": login, "email": email, "password": PASSWORD, "invitation": invited["token"],
    });
    let new = by.post("/v1/auth/register", &body).await.expect(201);
    by.with_token(&id(&new["access_token"]))
}
