use serde_json::json;

use crate::client::{Client, Request};
use crate::runs::{start, thread, wait_for};
use crate::server::with_server;

#[test]
fn registering_and_signing_in() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let me = ada.get("/v1/me").await.json();
        assert_eq!(
            (&me["login"], &me["role"]),
            (&json!("ada"), &json!("owner"))
        );
        let nobody = server.nobody();
        let body =
            json!({"login": "ada", "email": "x@example.com", "password": "correct horse battery"});
        let taken = nobody.post("/v1/auth/register", &body).await;
        assert_eq!(taken.failure(), (409, "accounts.taken".into()));
        for (login, password, status) in [
            ("ada", "correct horse battery", 200),
            ("ADA@example.com", "correct horse battery", 200),
            ("ada", "wrong horse battery", 401),
            ("eve", "correct horse battery", 401),
        ] {
            let body = json!({"login": login, "password": password});
            let answer = nobody.post("/v1/auth/login", &body).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            assert_ne!(status == 200, answer.header("www-authenticate").is_some());
        }
        let body = json!({"login": "", "email": "x", "password": "short", "more": 1});
        let refused = nobody.post("/v1/auth/register", &body).await;
        assert_eq!(refused.failure(), (422, "validation.error".into()));
    });
}

#[test]
fn requests_without_a_good_credential() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let refused = server.nobody().get("/v1/threads").await;
        assert_eq!(refused.failure(), (401, "auth.unauthorized".into()));
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        for token in ["x", "rl_12345678_x", ""] {
            let refused = Client::new(server.address, token).get("/v1/threads").await;
            assert_eq!(refused.failure(), (401, "auth.unauthorized".into()));
        }
        let basic = Request::new("GET", "/v1/me").header("Authorization", "Basic eDp5");
        assert_eq!(server.nobody().send(basic).await.status, 401);
        for name in ["access_token", "token", "api_key"] {
            let refused = ada.get(&format!("/v1/threads?{name}=x")).await;
            assert_eq!(refused.failure(), (401, "auth.unauthorized".into()));
        }
        // Who isn't let in learns nothing about the rest of the request.
        let bad = Request::post("/v1/threads/x/runs?limit=x").raw("{");
        assert_eq!(server.nobody().send(bad).await.status, 401);
    });
}

#[test]
fn keys_do_what_they_may() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let body = json!({"name": "reader", "scopes": ["runs.read"]});
        let made = ada.post("/v1/api-keys", &body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(made.header("cache-control"), Some("no-store"));
        let key = made.json();
        let reader = Client::new(server.address, key["key"].as_str().unwrap());
        assert_eq!(reader.get("/v1/runs").await.status, 200);
        let refused = reader.get("/v1/threads").await;
        assert_eq!(refused.failure(), (403, "auth.forbidden".into()));
        assert_eq!(refused.json()["details"]["permission"], "threads.read");
        let listed = ada.get("/v1/api-keys").await.json();
        assert_eq!(listed[0]["id"], key["id"]);
        assert!(listed[0].get("key").is_none());
        let body = json!({"name": "x", "scopes": ["no.such"], "expires_at": "soon"});
        let refused = ada.post("/v1/api-keys", &body).await;
        assert_eq!(refused.failure(), (422, "validation.error".into()));

        let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
        assert_eq!(ada.send(Request::new("DELETE", &path)).await.status, 204);
        assert_eq!(reader.get("/v1/runs").await.status, 401);
        let gone = ada.send(Request::new("DELETE", &path)).await;
        assert_eq!(gone.failure(), (404, "api_keys.not_found".into()));
    });
}

#[test]
fn a_ticket_opens_one_stream_and_nothing_else() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        let run = start(&ada, &thread, &json!({})).await;
        wait_for(&ada, &run, "run.completed").await;
        let other = start(&ada, &thread, &json!({})).await;
        let made = ada
            .send(Request::post(&format!("{run}/events:ticket")))
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        let ticket = made.json()["ticket"].as_str().unwrap().to_owned();
        let nobody = server.nobody();
        for _ in 0..2 {
            let events = nobody.get(&format!("{run}/events?ticket={ticket}")).await;
            assert!(events.body.contains("run.completed"));
        }
        for path in [
            format!("{other}/events?ticket={ticket}"),
            format!("{run}?ticket={ticket}"),
            format!("{run}/events?ticket=x"),
            format!("{run}/events?ticket={ticket}&token=x"),
        ] {
            assert_eq!(
                nobody.get(&path).await.failure(),
                (401, "auth.unauthorized".into())
            );
        }
    });
}
