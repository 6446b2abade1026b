//! Organisations: who belongs to one, and what they may do in it.

mod invitations;
mod members;
mod revoked;
mod roles;
mod services;
mod sight;

use runloom_tests::{Answer, Client};
use serde_json::{Value, json};

const PASSWORD: &str = "a long enough passphrase";

/// An id in an answer.
fn id(value: &Value) -> String {
    value.as_str().expect("an id").to_owned()
}

/// Invites an address and returns the token.
async fn invited(by: &Client, email: &str, role: &str) -> String {
    let body = json!({ "email": email, "role": role });
    id(&by.post("/v1/invitations", &body).await.expect(201)["token"])
}

/// Registers somebody by an invitation for their address.
async fn register(client: &Client, login: &str, token: &str) -> Answer {
    let body = json!({
        "login": login,
        "email": format!("{login}@example.com"),
        "password": PASSWORD,
        "invitation": token,
    });
    client.post("/v1/auth/register", &body).await
}

/// Somebody new in the organisation of `by`.
async fn colleague(by: &Client, login: &str, role: &str) -> Client {
    let token = invited(by, &format!("{login}@example.com"), role).await;
    let new = register(by, login, &token).await.expect(201);
    by.with_token(&id(&new["access_token"]))
}

async fn user_id(client: &Client) -> String {
    id(&client.get("/v1/me").await.expect(200)["user_id"])
}
