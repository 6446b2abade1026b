use reqwest::Method;
use runloom_tests::{Answer, Client, Setup, Store};
use serde_json::json;

const LISTED: &str = "https://app.example.com";

async fn from(client: &Client, method: Method, path: &str, origin: &str) -> Answer {
    let request = client.request(method, path).header("Origin", origin);
    client.send(request).await
}

/// Asks as a browser does before it sends a request with headers of its own.
async fn preflight(client: &Client, path: &str, origin: &str) -> Answer {
    let request = client
        .request(Method::OPTIONS, path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "authorization");
    client.send(request).await
}

fn cors(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(ToString::to_string);
    names
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

#[tokio::test]
async fn pages_of_listed_origins_may_use_the_api() {
    let node = Setup::new(Store::Sqlite)
        .variable(
            "RUNLOOM_ALLOWED_ORIGINS",
            "https://other.example,https://app.example.com",
        )
        .variable("RUNLOOM_HSTS_SECONDS", "31536000")
        .start()
        .await;
    let (client, nobody) = (node.client(), Client::anonymous(node.base()));
    for (path, methods) in [
        ("/v1/threads", "POST, GET, HEAD"),
        (
            "/v1/runs/01890a5d-ac96-774b-bcce-b302099a8057/events",
            "GET",
        ),
    ] {
        let answer = preflight(&nobody, path, LISTED).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), LISTED);
        assert_eq!(answer.header("access-control-allow-methods"), methods);
        let sent = answer.header("access-control-allow-headers");
        for name in [
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "Last-Event-ID",
        ] {
            assert!(sent.contains(name), "{name} in {sent}");
        }
        assert_eq!(answer.header("access-control-max-age"), "3600");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        assert_eq!(answer.header("vary"), "Origin");
        assert_eq!(answer.header("x-trace-id").len(), 32);
    }
    let login = preflight(&nobody, "/v1/auth/login", LISTED).await;
    assert_eq!(login.header("access-control-allow-credentials"), "true");
    let unknown = preflight(&nobody, "/v1/nowhere", LISTED).await;
    unknown.expect_error(404, "request.unknown_path");

    for answer in [
        from(&client, Method::GET, "/v1/threads", LISTED).await,
        from(&nobody, Method::GET, "/v1/threads", LISTED).await,
        from(&client, Method::GET, "/v1/threads?limit=0", LISTED).await,
    ] {
        assert_eq!(answer.header("access-control-allow-origin"), LISTED);
        let read = answer.header("access-control-expose-headers");
        for name in [
            "ETag",
            "X-Trace-Id",
            "X-Next-Cursor",
            "RateLimit",
            "Retry-After",
        ] {
            assert!(read.contains(name), "{name} in {read}");
        }
    }
    let run = client.run(&json!({})).await;
    let events = client.request(Method::GET, &format!("/v1/runs/{run}/events"));
    let events = runloom_tests::EventStream::open(events.header("Origin", LISTED)).await;
    assert_eq!(events.header("access-control-allow-origin"), LISTED);
    assert_eq!(events.header("cache-control"), "no-cache, no-transform");

    for origin in [
        "https://evil.example",
        "http://app.example.com",
        "null",
        "*",
    ] {
        let answer = preflight(&nobody, "/v1/threads", origin).await;
        assert_eq!((answer.status, cors(&answer)), (405, vec![]), "{origin}");
        let answer = from(&client, Method::GET, "/v1/threads", origin).await;
        assert_eq!((answer.status, cors(&answer)), (200, vec![]), "{origin}");
        assert_eq!(answer.header("vary"), "Origin");
    }
    // No question of a browser.
    let plain = from(&nobody, Method::OPTIONS, "/v1/threads", LISTED).await;
    plain.expect_error(405, "request.method_not_allowed");
    let answer = client.get("/v1/me").await;
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=31536000"
    );
}

#[tokio::test]
async fn a_browser_may_do_nothing_with_an_answer() {
    let node = Setup::new(Store::Sqlite).start().await;
    let (client, nobody) = (node.client(), Client::anonymous(node.base()));
    let login = json!({ "login": "nobody", "password": "a wrong passphrase" });
    let answers = [
        ("me", client.get("/v1/me").await),
        ("no credential", nobody.get("/v1/me").await),
        ("no such path", client.get("/nowhere").await),
        ("wrong method", client.delete("/v1/me").await),
        ("invalid", client.get("/v1/runs?limit=0").await),
        ("login", nobody.post("/v1/auth/login", &login).await),
        ("health", nobody.get("/healthz").await),
        ("document", nobody.get("/openapi.json").await),
        ("page", nobody.get("/docs").await),
        ("script", nobody.get("/docs/start.js").await),
    ];
    for (what, answer) in &answers {
        for (name, expected) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-resource-policy", "same-origin"),
            ("strict-transport-security", ""),
            ("vary", ""),
        ] {
            assert_eq!(answer.header(name), expected, "{name} of {what}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{what}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{what}: {policy}"
        );
        assert_eq!(cors(answer), Vec::<String>::new(), "{what}");
    }
    for (what, answer) in &answers[..6] {
        let kept = answer.header("cache-control");
        let expected = if *what == "no such path" {
            ""
        } else {
            "no-store"
        };
        assert_eq!(kept, expected, "{what}");
    }
    let question = preflight(&nobody, "/v1/threads", LISTED).await;
    assert_eq!((question.status, cors(&question)), (405, vec![]));
}
