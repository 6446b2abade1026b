//! `Idempotency-Key`.

use std::sync::Arc;

use reqwest::Method;
use runloom_tests::{Client, Setup, both_stores, script, text};
use serde_json::{Value, json};

/// Sends a request twice with one key; both must have the same answer.
async fn twice(client: &Client, method: Method, path: &str, body: &Value) -> Value {
    let send = async || {
        let request = client.request(method.clone(), path).json(body);
        client.send(request.header("Idempotency-Key", "k")).await
    };
    let (first, again) = (send().await, send().await);
    assert_eq!(first.header("idempotency-replayed"), "", "{path}");
    assert_eq!(again.header("idempotency-replayed"), "true", "{path}");
    assert_eq!(first.body, again.body);
    again.expect(201)
}

both_stores! {
    async fn the_same_request_gets_the_same_answer(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let path = format!("/v1/threads/{thread}/runs");
        let body = json!({ "input": "hello" });
        let first = client.post_once(&path, "k1", &body).await;
        assert_eq!(first.header("idempotency-replayed"), "");
        let again = client.post_once(&path, "k1", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!((again.status, &again.body), (201, &first.body));
        client.post_once(&path, "k1", &json!({ "input": "other" })).await
            .expect_error(409, "idempotency.key_reused");
        let runs = client.get(&path).await.expect(200);
        assert_eq!(runs.as_array().map(Vec::len), Some(1));
        let messages = client.get(&format!("/v1/threads/{thread}/messages?limit=200")).await;
        let users = messages.expect(200).as_array().expect("an array").iter()
            .filter(|m| m["role"] == "user").count();
        assert_eq!(users, 1);
    }

    async fn it_outlives_a_crash(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.post_once("/v1/threads", "k", &json!({})).await.expect(201);
        let node = node.kill().await.restart().await;
        let again = node.client().post_once("/v1/threads", "k", &json!({})).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201)["id"], thread["id"]);
    }

    async fn it_outlives_the_route_and_the_persona(store: Store) {
        let persona = "[[personas]]\nkey = \"clerk\"\nprompt = \"x\"\n";
        let setup = |name: &str| Setup::new(store).scripted(name, script([text("done")]));
        let node = setup("old").toml(persona).start().await;
        let client = node.client();
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        let bodies = [json!({ "route_id": "old" }), json!({ "persona_id": "clerk" })];
        let mut made = Vec::new();
        for (key, body) in ["k0", "k1"].into_iter().zip(bodies) {
            let first = client.post_once(&path, key, &body).await.expect(201);
            client.follow(first["run_id"].as_str().expect("an id")).await;
            made.push((key, body, first));
        }
        let data = Arc::clone(node.data());
        let stopped = node.terminate().await;
        let node = stopped.restart_with(|_| setup("new").on(data)).await;
        let client = node.client();
        let other = json!({ "route_id": "nowhere" });
        for (key, body, first) in made {
            let again = client.post_once(&path, key, &body).await;
            assert_eq!(again.header("idempotency-replayed"), "true");
            assert_eq!(again.expect(201), first);
            client.post_once(&path, "fresh", &body).await.expect(422);
            client.post(&path, &body).await.expect(422);
            client.post_once(&path, key, &other).await.expect_error(409, "idempotency.key_reused");
        }
        let runs = client.get(&path).await.expect(200);
        assert_eq!(runs.as_array().map(Vec::len), Some(2));
    }

    async fn twins_that_race_make_one_run(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        for round in 0..5 {
            let thread = client.thread().await;
            let path = format!("/v1/threads/{thread}/runs");
            let key = format!("round-{round}");
            let twins: Vec<_> = (0..8).map(|_| {
                let (client, path, key) = (client.clone(), path.clone(), key.clone());
                tokio::spawn(async move { client.post_once(&path, &key, &json!({})).await })
            }).collect();
            let mut runs = Vec::new();
            for twin in twins {
                let answer = twin.await.expect("no panic");
                runs.push(answer.expect(201)["run_id"].clone());
            }
            assert!(runs.iter().all(|run| run == &runs[0]), "{runs:?}");
            let listed = client.get(&path).await.expect(200);
            assert_eq!(listed.as_array().map(Vec::len), Some(1));
        }
    }

    async fn keys_belong_to_one_principal_and_one_path(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let other = client.stranger("somebody").await;
        let a = client.post_once("/v1/threads", "k", &json!({})).await.expect(201);
        let b = other.post_once("/v1/threads", "k", &json!({})).await.expect(201);
        assert_ne!(a["id"], b["id"]);
        let path = format!("/v1/threads/{}/runs", a["id"].as_str().expect("an id"));
        client.post_once(&path, "k", &json!({})).await.expect(201);
    }

    async fn only_success_is_kept(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let path = format!("/v1/threads/{}/runs", client.thread().await);
        let bad = json!({ "route_id": "nowhere" });
        client.post_once(&path, "k", &bad).await.expect_error(422, "routes.not_found");
        client.post_once(&path, "k", &json!({})).await.expect(201);
    }

    async fn a_replay_never_shows_a_secret_again(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let body = json!({ "name": "ci", "scopes": ["runs.read"] });
        let first = client.post_once("/v1/api-keys", "k", &body).await.expect(201);
        let secret = first.as_object().expect("an object").values()
            .find_map(|v| v.as_str().filter(|v| v.starts_with("rl_") && v.len() > 40));
        let secret = secret.expect("the secret is shown once").to_owned();
        let again = client.post_once("/v1/api-keys", "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert!(!again.body.contains(&secret[12..]), "{}", again.body);
        assert_eq!(again.expect(201)["id"], first["id"]);
    }

    async fn keys_have_a_length(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        client.post_once("/v1/threads", &"k".repeat(255), &json!({})).await.expect(201);
        for bad in [String::new(), "k".repeat(256)] {
            client.post_once("/v1/threads", &bad, &json!({})).await
                .expect_error(422, "validation.error");
        }
    }

    async fn a_registration_is_repeated_without_its_token(store: Store) {
        let node = Setup::new(store).start().await;
        let anonymous = Client::anonymous(node.base());
        let person = |login: &str, password: &str| json!({
            "login": login, "email": format!("{login}@example.com"), "password": password });
        let register = async |key: &str, body: &Value| {
            anonymous.post_once("/v1/auth/register", key, body).await
        };
        let ada = person("ada", "a long enough passphrase");
        let first = register("k", &ada).await;
        assert_eq!(first.header("idempotency-replayed"), "");
        let mut first = first.expect(201);
        assert!(first["access_token"].is_string());
        let again = register("k", &ada).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.header("cache-control"), "no-store");
        first["access_token"] = Value::Null;
        first["refresh_token"] = Value::Null;
        assert_eq!(again.expect(201), first);
        let other = person("ada", "another long passphrase");
        register("k", &other).await.expect_error(409, "idempotency.key_reused");
        register("l", &ada).await.expect_error(409, "accounts.taken");
        // People who don't know of each other may choose the same key.
        let bob = register("k", &person("bob", "a long enough passphrase")).await.expect(201);
        assert_ne!(bob["user_id"], first["user_id"]);
    }

    async fn every_creation_takes_a_key(store: Store) {
        let node = Setup::new(store).start().await;
        let client = node.client();
        let thread = client.thread().await;
        let messages = format!("/v1/threads/{thread}/messages");
        let message = twice(&client, Method::POST, &messages, &json!({ "content": "one" })).await;
        assert_eq!(client.get(&messages).await.expect(200).as_array().map(Vec::len), Some(1));
        let edit = format!("{messages}/{}", message["id"].as_str().expect("an id"));
        let retry = format!("/v1/threads/{thread}:retry");
        for (method, path, body) in [
            (Method::POST, &retry, json!({})),
            (Method::PATCH, &edit, json!({ "content": "uno" })),
        ] {
            let run = twice(&client, method, path, &body).await;
            client.follow(run["run_id"].as_str().expect("an id")).await;
        }
        let runs = client.get(&format!("/v1/threads/{thread}/runs")).await.expect(200);
        assert_eq!(runs.as_array().map(Vec::len), Some(2));
    }
}
