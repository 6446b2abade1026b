//! Tools that organisations bring.

mod called;
mod http_tools;
mod registry;
mod secrets;

use reqwest::Method;
use runloom_tests::{Client, Setup, Store};
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

/// The fields that a refused body is told of.
async fn refused(client: &Client, method: Method, path: &str, body: &Value) -> Vec<String> {
    let answer = client.send(client.request(method, path).json(body)).await;
    let error = answer.expect_error(422, "validation.error");
    let details = error["details"].as_object().expect("an object");
    details.keys().cloned().collect()
}
