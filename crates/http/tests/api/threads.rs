use serde_json::json;

use crate::client::Request;
use crate::server::with_server;

#[test]
fn a_threads_life() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let made = ada
            .post(
                "/v1/threads",
                &json!({"title": "T", "metadata": {"a": [1, "é"]}}),
            )
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        let thread = made.json();
        let mut fields: Vec<_> = thread.as_object().unwrap().keys().cloned().collect();
        fields.sort();
        let expected = [
            "active_run_id",
            "created_at",
            "created_by_user_id",
            "id",
            "org_id",
            "title",
        ];
        assert_eq!(fields, expected);
        let order: Vec<_> = [
            "id",
            "org_id",
            "created_by_user_id",
            "title",
            "created_at",
            "active_run_id",
        ]
        .map(|field| made.body.find(&format!("\"{field}\":")).unwrap())
        .into();
        assert!(order.is_sorted(), "{}", made.body);

        let path = format!("/v1/threads/{}", thread["id"].as_str().unwrap());
        assert_eq!(ada.get(&path).await.body, made.body);
        let more = ada.get(&format!("{path}?include=metadata")).await.json();
        assert_eq!(more["metadata"], json!({"a": [1, "é"]}));

        let patch = |body| Request::new("PATCH", &path).json(&body);
        let changed = ada.send(patch(json!({"metadata": null}))).await.json();
        assert_eq!(changed["title"], "T");
        let changed = ada.send(patch(json!({"title": null}))).await.json();
        assert_eq!(changed["title"], json!(null));
        let more = ada.get(&format!("{path}?include=metadata")).await.json();
        assert_eq!(more["metadata"], json!(null));

        let gone = ada.send(Request::new("DELETE", &path)).await;
        assert_eq!((gone.status, gone.body.as_str()), (204, ""));
        for again in [Request::new("DELETE", &path), Request::new("GET", &path)] {
            let (status, code) = ada.send(again).await.failure();
            assert_eq!((status, code.as_str()), (404, "threads.not_found"));
        }
    });
}

#[test]
fn paging_goes_on_where_it_stopped() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let mut made = Vec::new();
        for _ in 0..5 {
            let thread = ada.send(Request::post("/v1/threads")).await.json();
            made.insert(0, thread["id"].clone());
        }
        let mut seen = Vec::new();
        let mut target = "/v1/threads?limit=2".to_owned();
        loop {
            let page = ada.get(&target).await;
            assert_eq!(page.status, 200, "{}", page.body);
            seen.extend(
                page.json()
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|t| t["id"].clone()),
            );
            let Some(link) = page.header("link") else {
                assert_eq!(page.header("x-next-cursor"), None);
                break;
            };
            let cursor = page.header("x-next-cursor").unwrap();
            assert_eq!(
                link,
                format!("</v1/threads?limit=2&before={cursor}>; rel=\"next\"")
            );
            target = link[1..link.find('>').unwrap()].to_owned();
            // A row that is added meanwhile must not shift the pages.
            ada.send(Request::post("/v1/threads")).await;
        }
        assert_eq!(seen, made);
        for bad in [
            "limit=0",
            "limit=201",
            "limit=x",
            "limit=",
            "before=x",
            "before=",
        ] {
            let (status, code) = ada.get(&format!("/v1/threads?{bad}")).await.failure();
            assert_eq!((status, code.as_str()), (422, "validation.error"), "{bad}");
        }
    });
}

#[test]
fn other_organisations_do_not_exist() {
    with_server(|server| async move {
        let (ada, bob) = (server.somebody("ada").await, server.somebody("bob").await);
        let thread = ada.send(Request::post("/v1/threads")).await.json();
        let id = thread["id"].as_str().unwrap();
        let foreign = bob.get(&format!("/v1/threads/{id}")).await;
        let unknown = bob
            .get("/v1/threads/01890000-0000-7000-8000-000000000000")
            .await;
        let body = |response: &crate::client::Response| {
            let mut body = response.json();
            body["trace_id"] = json!(null);
            (response.status, body)
        };
        assert_eq!(body(&foreign), body(&unknown));
        assert_eq!(bob.get("/v1/threads").await.json(), json!([]));
        for request in [
            Request::post(&format!("/v1/threads/{id}/runs")),
            Request::post(&format!("/v1/threads/{id}:retry")),
            Request::post(&format!("/v1/threads/{id}/messages")).json(&json!({"content": "x"})),
            Request::new("GET", &format!("/v1/threads/{id}/runs")),
            Request::new("GET", &format!("/v1/threads/{id}/messages")),
            Request::new("DELETE", &format!("/v1/threads/{id}")),
            Request::new("PATCH", &format!("/v1/threads/{id}")).json(&json!({"title": "x"})),
        ] {
            assert_eq!(
                bob.send(request).await.failure(),
                (404, "threads.not_found".into())
            );
        }
    });
}
