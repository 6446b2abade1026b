//! Passwords, tokens and keys are shown to whom they belong, once, and found nowhere again.

use std::sync::Arc;

use runloom_tests::{Answer, Client, Setup, both_stores};
use serde_json::{Value, json};

use super::{SignedIn, person};

const PASSWORD: &str = "canary-4f1d6a0c9b7e-first";
const SECOND: &str = "canary-4f1d6a0c9b7e-second";
const WRONG: &str = "canary-4f1d6a0c9b7e-wrong";

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Everything that a person can be given, as it was shown to them.
async fn given(owner: &Client, base: &str, ada: &mut SignedIn) -> Vec<String> {
    let mut all = vec![ada.refresh.clone()];
    let rotated = ada.refreshed(base).await.expect(200);
    *ada = SignedIn::new(base, &rotated);
    all.extend([text(&rotated["access_token"]), ada.refresh.clone()]);
    let key = json!({ "name": "k", "scopes": ["runs.read"] });
    let key = ada.client.post("/v1/api-keys", &key).await.expect(201);
    // The part before it is its name, which lists show.
    all.push(text(&key["key"])[12..].to_owned());
    let invitation = json!({ "email": "bob@example.com", "role": "member" });
    let invitation = owner.post("/v1/invitations", &invitation).await.expect(201);
    all.push(text(&invitation["token"]));
    let me = ada.client.get("/v1/me").await.expect(200);
    let reset = format!("/v1/members/{}:reset-password", text(&me["user_id"]));
    let reset = ada.client.post_nothing(&reset).await.expect(201);
    all.push(text(&reset["token"]));
    let run = ada.client.run(&json!({})).await;
    let ticket = format!("/v1/runs/{run}/events:ticket");
    let ticket = ada.client.post_nothing(&ticket).await.expect(201);
    all.push(text(&ticket["ticket"]));
    let events = format!("{:?}", ada.client.follow(&run).await);
    assert_eq!(among(&events, &all), [""; 0]);
    all
}

fn among<'a>(text: &str, secrets: &'a [String]) -> Vec<&'a str> {
    let secrets = secrets.iter().map(String::as_str);
    secrets.filter(|secret| text.contains(secret)).collect()
}

/// What is told to somebody who has given secrets that are wrong, and to who asks what there is.
async fn told(owner: &Client, base: &str, ada: &SignedIn, all: &[String]) -> Vec<Answer> {
    let anonymous = Client::anonymous(base);
    let mut answers = Vec::new();
    for path in [
        "/v1/me",
        "/v1/me/sessions",
        "/v1/api-keys",
        "/v1/members",
        "/metrics",
    ] {
        answers.push(ada.client.get(path).await);
    }
    answers.push(owner.get("/v1/invitations").await);
    let change = json!({ "current_password": WRONG, "new_password": SECOND });
    answers.push(ada.client.post("/v1/me/password", &change).await);
    let wrong = json!({ "login": "canary-person", "password": WRONG });
    answers.push(anonymous.post("/v1/auth/login", &wrong).await);
    for secret in all {
        let bad = anonymous.with_token(&format!("{secret}x"));
        answers.push(bad.get("/v1/me").await);
        answers.push(
            anonymous
                .get(&format!("/v1/me?access_token={secret}"))
                .await,
        );
        let reset = json!({ "token": format!("{secret}x"), "new_password": "short" });
        answers.push(anonymous.post("/v1/auth/reset", &reset).await);
        let refresh = json!({ "refresh_token": format!("{secret}x") });
        answers.push(anonymous.post("/v1/auth/refresh", &refresh).await);
    }
    answers
}

both_stores! {
    async fn what_lets_people_in_is_in_no_answer_no_log_and_no_file(store: Store) {
        let node = Setup::new(store)
            .variable("RUNLOOM_LOG", "debug,actix_server=warn").start().await;
        let base = node.base();
        let mut body = person("canary-person");
        body["password"] = json!(PASSWORD);
        let new = Client::anonymous(base).post_once("/v1/auth/register", "k", &body).await;
        let mut ada = SignedIn::new(base, &new.expect(201));
        let mut all = given(&node.client(), base, &mut ada).await;
        all.extend([PASSWORD, SECOND, WRONG].map(str::to_owned));
        let mut answers = told(&node.client(), base, &ada, &all).await;
        answers.push(Client::anonymous(base).post_once("/v1/auth/register", "k", &body).await);
        let change = json!({ "current_password": PASSWORD, "new_password": SECOND });
        answers.push(ada.client.post("/v1/me/password", &change).await);
        for answer in &answers {
            let seen = format!("{:?} {}", answer.headers, answer.body);
            assert_eq!(among(&seen, &all), [""; 0], "{seen}");
        }
        let data = Arc::clone(node.data());
        let stopped = node.terminate().await;
        for line in stopped.ended.stdout.iter().chain(&stopped.ended.stderr) {
            assert_eq!(among(line, &all), [""; 0], "{line}");
        }
        let mut texts: Vec<&str> = all.iter().map(String::as_str).collect();
        texts.push("canary-person@example.com");
        assert_eq!(data.held(&texts).await, ["canary-person@example.com"]);
    }
}
