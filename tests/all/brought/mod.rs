//! Tools that organisations bring.

mod broken_off;
mod called;
mod discovery;
mod http_request;
mod http_tools;
mod nodes;
mod platform;
mod registry;
mod secrets;

use reqwest::Method;
use runloom_tests::{Client, Event, Setup, Store, check_ended, soon};
use serde_json::{Value, json};

const SERVERS: &str = "/v1/mcp-servers";
const TOOLS: &str = "/v1/http-tools";
const SIGNING: &str = "whsec-0123456789abcdef";

/// A server that lets organisations name addresses of this machine.
fn setup(store: Store) -> Setup {
    Setup::new(store).variable("RUNLOOM_NET_ALLOW", "127.0.0.0/8")
}

fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}

/// An MCP server at an address.
fn new_server(key: &str, url: &str) -> Value {
    json!({ "key": key, "url": url })
}

/// An HTTP tool at an address.
fn new_tool(name: &str, url: &str) -> Value {
    json!({
        "name": name, "description": "Looks it up.", "url": url, "signing_secret": SIGNING,
        "schema": { "type": "object", "properties": { "n": { "type": "integer" } } },
    })
}

/// The path of something that was made now.
async fn made(client: &Client, path: &str, body: &Value) -> String {
    let made = client.post(path, body).await.expect(201);
    format!("{path}/{}", id(&made))
}

/// A persona with these tools.
async fn persona(client: &Client, tools: &[&str]) {
    let persona = json!({ "key": "worker", "prompt": "x", "tools": tools });
    client.post("/v1/personas", &persona).await.expect(201);
}

/// What the tools said that a run of the persona has called.
async fn results(client: &Client) -> Vec<Event> {
    let run = client
        .run(&json!({ "persona_id": "worker", "input": "x" }))
        .await;
    let events = client.follow(&run).await;
    check_ended(&events, "run.completed");
    let results = events.into_iter();
    results
        .filter(|event| event.kind == "tool.result")
        .collect()
}

/// The same of a run that calls one.
async fn result(client: &Client) -> Event {
    results(client).await.pop().expect("a call")
}

/// What is at a path once it is so.
async fn until(client: &Client, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let looking = async {
        loop {
            let found = client.get(path).await.expect(200);
            if fits(&found) {
                return found;
            }
        }
    };
    soon(path, looking).await
}

/// A server once asking it for its tools has come to this.
async fn discovered(client: &Client, path: &str, state: &str) -> Value {
    until(client, path, |server| server["discovery"]["state"] == state).await
}

/// The fields that a refused body is told of.
async fn refused(client: &Client, method: Method, path: &str, body: &Value) -> Vec<String> {
    let answer = client.send(client.request(method, path).json(body)).await;
    let error = answer.expect_error(422, "validation.error");
    let details = error["details"].as_object().expect("an object");
    details.keys().cloned().collect()
}
