//! Providers that others wrote: aimock plays answers and faults in all five formats, llmock faults
//! in sequence in most of them, and judges its client.

mod answers;
mod broken;
mod judged;
mod scenarios;

use std::path::Path;

use runloom_tests::{Client, Part, Setup, Store};
use serde_json::Value;
use tokio::process::Command;

use super::retries;

/// A kind of route, and where the mocks speak its format.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// The kind; the route and its model are called the same.
    pub(super) name: &'static str,
    /// The path of its base URL.
    pub(super) base: &'static str,
}

const fn kind(name: &'static str, base: &'static str) -> Kind {
    Kind { name, base }
}

/// At aimock: one kind for each format.
pub(super) const AIMOCK: [Kind; 5] = [
    kind("openai_chat", "/v1"),
    kind("openai_responses", "/v1"),
    kind("anthropic", "/v1"),
    kind("gemini", "/v1beta"),
    kind("ollama", ""),
];

/// Starts aimock with fixtures, which are written into the folder.
pub(super) async fn aimock(fixtures: &[Value], folder: &Path) -> Part {
    let path = folder.join("fixtures.json");
    let file = serde_json::json!({ "fixtures": fixtures });
    std::fs::write(&path, file.to_string()).expect("the folder takes files");
    Part::start("RUNLOOM_TEST_AIMOCK", |script, port| {
        let mut command = Command::new("node");
        command.args([script, "-p", &port.to_string(), "--strict", "-f"]);
        command.arg(path);
        command
    })
    .await
}

/// Starts llmock, which says the same thing each time, with more arguments; and a client for its
/// own interface.
pub(super) async fn llmock(more: &[&str]) -> (Part, Client) {
    let part = Part::start("RUNLOOM_TEST_LLMOCK", |program, port| {
        let mut command = Command::new(program);
        command.args(["serve", "-h", "127.0.0.1", "-p", &port.to_string()]);
        command.args(["--response-style", "static"]).args(more);
        command
    })
    .await;
    let client = Client::anonymous(part.url());
    (part, client)
}

/// Quick retries.
const BACKOFF: &str =
    "backoff = { max_attempts = 3, base_ms = 20, cap_ms = 3000, max_rate_limited = 3 }\n";

/// A server with a route of each kind to a mock, a persona `talker` without tools and a `worker`
/// that calculates.
pub(super) fn setup(store: Store, kinds: &[Kind], mock: &Part) -> Setup {
    let personas = "[[personas]]\nkey = \"talker\"\nprompt = \"Talk.\"\n\
        [[personas]]\nkey = \"worker\"\nprompt = \"Work.\"\ntools = [\"calculator\"]\n";
    let setup = Setup::new(store)
        .toml(personas)
        .variable("MOCK_KEY", "any key");
    kinds.iter().fold(setup, |setup, kind| {
        setup.toml(&route(*kind, mock, kind.name, BACKOFF))
    })
}

/// A route of a kind to a mock, by the name of the model, with more said of it.
pub(super) fn route(kind: Kind, mock: &Part, name: &str, more: &str) -> String {
    let (url, Kind { name: kind, base }) = (mock.url(), kind);
    format!(
        "[[routes]]\nroute_id = \"{name}\"\nmodel = \"{name}\"\nkind = \"{kind}\"\n\
         base_url = \"{url}{base}\"\napi_key_env = \"MOCK_KEY\"\n\
         timeouts = {{ header_ms = 2500, idle_ms = 2500 }}\n{more}"
    )
}

/// An object with the fields of another.
fn with(mut object: Value, more: Value) -> Value {
    let (Value::Object(fields), Value::Object(more)) = (&mut object, more) else {
        panic!("two objects are put together");
    };
    fields.extend(more);
    object
}
