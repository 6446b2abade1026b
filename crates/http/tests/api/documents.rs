use std::path::Path;

use serde_json::json;

use crate::client::Request;
use crate::server::with_server;

/// `UPDATE_OPENAPI=1 cargo nextest run -p runloom-http openapi` writes the snapshot anew.
#[test]
fn openapi_is_as_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/openapi.json");
    let now = runloom_http::openapi_json();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = reviewed.lines().zip(now.lines()).position(|(a, b)| a != b);
    assert!(
        reviewed == now,
        "the OpenAPI document changed at line {:?}; if that is meant: \
         UPDATE_OPENAPI=1 cargo nextest run -p runloom-http openapi",
        differs.map(|line| line + 1),
    );
}

#[test]
fn service_pages() {
    with_server(|server| async move {
        let nobody = server.nobody();
        assert_eq!(nobody.get("/healthz").await.json(), json!({"status": "ok"}));
        assert_eq!(nobody.get("/readyz").await.status, 200);
        let document = nobody.get("/openapi.json").await;
        assert_eq!(document.body, runloom_http::openapi_json());

        let page = nobody.get("/docs").await;
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .starts_with("default-src 'none'")
        );
        for file in ["swagger-ui.css", "swagger-ui-bundle.js", "start.js"] {
            assert!(page.body.contains(&format!("docs/{file}")));
            assert_eq!(nobody.get(&format!("/docs/{file}")).await.status, 200);
        }
        let missing = nobody.get("/docs/nothing").await;
        assert_eq!(missing.failure(), (404, "request.unknown_path".into()));

        let metrics = nobody.get("/metrics").await;
        let requests =
            "runloom_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"2xx\"} 1";
        assert!(metrics.body.contains(requests), "{}", metrics.body);
        assert!(metrics.body.contains("runloom_runs{status=\"running\"} 0"));

        server.drain.cancel();
        let stopping = nobody.send(Request::new("GET", "/readyz")).await;
        assert_eq!(stopping.failure(), (503, "service.not_ready".into()));
        assert_eq!(nobody.get("/healthz").await.status, 200);
        assert_eq!(nobody.get("/metrics").await.status, 200);
    });
}
