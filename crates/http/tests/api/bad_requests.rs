use std::time::Duration;

use serde_json::json;

use crate::client::{Connection, Request};
use crate::runs::thread;
use crate::server::{with_server, with_settings};

#[test]
fn paths_and_methods() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        for path in ["/", "/v1", "/v1/nothing", "/v1/runs/", "/v2/runs"] {
            assert_eq!(
                ada.get(path).await.failure(),
                (404, "request.unknown_path".into())
            );
        }
        let id = "01890000-0000-7000-8000-000000000000";
        let verb = Request::post(&format!("/v1/runs/{id}:explode"));
        assert_eq!(
            ada.send(verb).await.failure(),
            (404, "request.unknown_path".into())
        );
        for (method, path, allow) in [
            ("DELETE", "/v1/runs".to_owned(), "GET, HEAD"),
            ("PUT", "/v1/threads".to_owned(), "POST, GET, HEAD"),
            ("GET", format!("/v1/runs/{id}:cancel"), "POST"),
            ("HEAD", format!("/v1/runs/{id}/events"), "GET"),
            (
                "OPTIONS",
                format!("/v1/threads/{id}"),
                "GET, HEAD, PATCH, DELETE",
            ),
        ] {
            let refused = ada.send(Request::new(method, &path)).await;
            assert_eq!(
                (refused.status, refused.header("allow")),
                (405, Some(allow))
            );
            if method != "HEAD" {
                assert_eq!(refused.failure().1, "request.method_not_allowed");
            }
        }
        for path in [
            "/v1/runs/x",
            "/v1/threads/x/runs",
            "/v1/runs/x/events",
            "/v1/threads/7",
        ] {
            let refused = ada.get(path).await;
            assert_eq!(
                refused.failure(),
                (422, "validation.error".into()),
                "{path}"
            );
        }
        let head = ada.send(Request::new("HEAD", "/v1/me")).await;
        assert_eq!(head.status, 200);
    });
}

#[test]
fn bodies_that_are_refused() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let runs = format!("{}/runs", thread(&ada).await);
        let send = |raw: &[u8]| {
            ada.send(
                Request::post(&runs)
                    .raw(raw)
                    .header("Content-Type", "application/json"),
            )
        };
        for (raw, status, code) in [
            (&b"{"[..], 400, "request.malformed_json"),
            (b"{\"input\":\"\xff\"}", 422, "validation.error"),
            (b"[]", 422, "validation.error"),
            (br#"{"input":"a\u0000"}"#, 422, "validation.error"),
            (br#"{"metadata":{"a":["\ud800"]}}"#, 422, "validation.error"),
            (br#"{"metadata":{"a\udc00":1}}"#, 422, "validation.error"),
        ] {
            assert_eq!(send(raw).await.failure(), (status, code.into()), "{raw:?}");
        }
        let form = Request::post(&runs)
            .raw("a=b")
            .header("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(ada.send(form).await.failure().0, 415);
        let many = json!({"x": 1, "input": 2, "limits": {"max_steps": "3", "y": 4}});
        let refused = ada.post(&runs, &many).await.json();
        let named: Vec<_> = refused["details"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        assert_eq!(named, ["input", "limits.max_steps", "limits.y", "x"]);
        assert_eq!(ada.get("/v1/runs").await.json(), json!([]));
    });
}

#[test]
fn bodies_that_are_too_large() {
    with_server(|server| async move {
        let ada = server.somebody("ada").await;
        let limit = 1024 * 1024;
        for size in [limit + 1, 8 * limit] {
            let large = Request::post("/v1/threads").raw(vec![b' '; size]);
            assert_eq!(
                ada.send(large).await.failure(),
                (413, "request.too_large".into())
            );
        }
        let fits = Request::post("/v1/threads").raw(vec![b' '; limit]);
        assert_eq!(ada.send(fits).await.status, 201);

        let chunked = Request::post("/v1/threads").header("Transfer-Encoding", "chunked");
        let mut connection = ada.open(chunked).await;
        let chunk = format!("{:x}\r\n{}\r\n", limit / 2 + 1, " ".repeat(limit / 2 + 1));
        connection.write(chunk.as_bytes()).await;
        connection.write(chunk.as_bytes()).await;
        let refused = connection.response(false).await;
        assert_eq!(refused.failure(), (413, "request.too_large".into()));
    });
}

#[test]
fn a_body_that_stalls() {
    let quick = |settings: &mut runloom_http::HttpSettings| {
        settings.body_timeout = Duration::from_millis(200);
    };
    with_settings(quick, |server| async move {
        let ada = server.somebody("ada").await;
        let stalled = Request::post("/v1/threads").header("Content-Length", "100");
        let mut connection = ada.open(stalled).await;
        connection.write(b"{\"title\"").await;
        let refused = connection.response(false).await;
        assert_eq!(refused.failure(), (408, "request.body_timeout".into()));
        connection.rest().await;
    });
}

#[test]
fn trace_ids() {
    let request = || {
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        Request::new("GET", "/healthz").header("traceparent", traceparent)
    };
    with_server(|server| async move {
        let own = server.nobody().send(request()).await;
        let trace = own.header("x-trace-id").unwrap();
        assert_eq!(trace.len(), 32);
        assert_ne!(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
    });
    with_settings(
        |settings| settings.trust_traceparent = true,
        |server| async move {
            let believed = server.nobody().send(request()).await;
            assert_eq!(
                believed.header("x-trace-id"),
                Some("4bf92f3577b34da6a3ce929d0e0e4736")
            );
            let bad = Request::new("GET", "/healthz").header("traceparent", "00-x-y-01");
            let own = server.nobody().send(bad).await;
            assert_eq!(own.header("x-trace-id").unwrap().len(), 32);
        },
    );
}

#[test]
fn refused_requests_leave_the_connection_usable() {
    with_server(|server| async move {
        // All of the server is kept, not only its address.
        let server = &server;
        let mut connection = Connection::open(server.address).await;
        for (path, status) in [("threads", 401), ("nothing", 404), ("me", 405), ("me", 405)] {
            let request =
                format!("POST /v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}");
            connection.write(request.as_bytes()).await;
            let refused = connection.response(false).await;
            assert_eq!(refused.status, status);
            assert_eq!(refused.header("connection"), None);
        }
    });
}
