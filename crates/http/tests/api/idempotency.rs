use serde_json::json;

use crate::client::Request;
use crate::runs::thread;
use crate::server::with_server;

fn keyed(path: &str, key: &str, body: &serde_json::Value) -> Request {
    Request::post(path)
        .header("Idempotency-Key", key)
        .json(body)
}

#[test]
fn the_first_answer_again() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let thread = thread(&ada).await;
        for (path, body, other) in [
            (
                "/v1/threads".to_owned(),
                json!({"title": "a"}),
                json!({"title": "b"}),
            ),
            (
                format!("{thread}/messages"),
                json!({"content": "a"}),
                json!({"content": "b"}),
            ),
            (format!("{thread}/runs"), json!({}), json!({"input": "b"})),
        ] {
            let first = ada.send(keyed(&path, "k", &body)).await;
            assert_eq!(first.status, 201, "{}", first.body);
            assert_eq!(first.header("idempotency-replayed"), None);
            let again = ada.send(keyed(&path, "k", &body)).await;
            assert_eq!((again.status, &again.body), (201, &first.body));
            assert_eq!(again.header("idempotency-replayed"), Some("true"));
            assert_ne!(again.header("x-trace-id"), first.header("x-trace-id"));
            let reused = ada.send(keyed(&path, "k", &other)).await;
            assert_eq!(reused.failure(), (409, "idempotency.key_reused".into()));
        }
        assert_eq!(
            ada.get("/v1/runs").await.json().as_array().unwrap().len(),
            1
        );
        let long = "k".repeat(256);
        let refused = ada.send(keyed("/v1/threads", &long, &json!({}))).await;
        assert_eq!(refused.failure(), (422, "validation.error".into()));

        let bob = server.somebody("bob").await;
        let own = ada
            .send(keyed("/v1/threads", "k2", &json!({})))
            .await
            .json();
        let others = bob
            .send(keyed("/v1/threads", "k2", &json!({})))
            .await
            .json();
        assert_ne!(own["id"], others["id"]);
    });
}

#[test]
fn twins_make_one_run() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let path = format!("{}/runs", thread(&ada).await);
        let body = json!({"on_busy": "enqueue"});
        let twins = (0..8).map(|_| ada.send(keyed(&path, "twin", &body)));
        let answers = futures_util::future::join_all(twins).await;
        assert!(answers.iter().all(|answer| answer.body == answers[0].body));
        let fresh = answers
            .iter()
            .filter(|a| a.header("idempotency-replayed").is_none());
        assert_eq!(fresh.count(), 1);
    });
}

#[test]
fn a_secret_is_not_repeated() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let body = json!({"name": "ci", "scopes": ["runs.read"]});
        let first = ada.send(keyed("/v1/api-keys", "k", &body)).await.json();
        let again = ada.send(keyed("/v1/api-keys", "k", &body)).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        let mut expected = first.clone();
        expected["key"] = json!(null);
        assert_eq!(again.json(), expected);
        assert!(
            first["key"]
                .as_str()
                .unwrap()
                .starts_with(first["prefix"].as_str().unwrap())
        );
    });
}
