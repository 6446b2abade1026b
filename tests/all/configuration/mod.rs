//! What organisations configure themselves: credentials, routes and personas.

mod called;
mod credentials;
mod personas;
mod routes;
mod secrets;
mod used;

use reqwest::Method;
use runloom_tests::{Answer, Client, Setup, Store};
use serde_json::{Value, json};

const CREDENTIALS: &str = "/v1/llm-credentials";
const ROUTES: &str = "/v1/llm-routes";
const PERSONAS: &str = "/v1/personas";

/// A server that lets organisations name addresses of this machine.
fn setup(store: Store) -> Setup {
    Setup::new(store).variable("RUNLOOM_NET_ALLOW", "127.0.0.0/8")
}

fn id(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}

/// A provider that nobody will reach.
fn new_credential() -> Value {
    json!({ "provider": "openai_chat", "name": "main", "base_url": "http://127.0.0.1:9/v1" })
}

async fn credential(client: &Client) -> String {
    id(&client
        .post(CREDENTIALS, &new_credential())
        .await
        .expect(201))
}

/// A route by a credential, with more said of it.
async fn route(client: &Client, credential: &str, more: Value) -> String {
    let mut body = json!({ "credential_id": credential, "model": "big" });
    let fields = body.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    id(&client.post(ROUTES, &body).await.expect(201))
}

/// A request of somebody who has seen a version.
async fn if_match(
    client: &Client,
    method: Method,
    path: &str,
    tag: &str,
    body: Option<Value>,
) -> Answer {
    let request = client.request(method, path).header("If-Match", tag);
    client
        .send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
}

/// The fields that a refused body is told of.
async fn refused(client: &Client, method: Method, path: &str, body: &Value) -> Vec<String> {
    let answer = client.send(client.request(method, path).json(body)).await;
    let error = answer.expect_error(422, "validation.error");
    let details = error["details"].as_object().expect("an object");
    details.keys().cloned().collect()
}
