use std::sync::atomic::{AtomicUsize, Ordering};

use runloom_domain::{ManualClock, Timestamp};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::*;
use crate::testing_context::{context, error_of};
use crate::testing_server::{Server, answer, guard, read};

const SIGNING: &str = "whsec-0123456789abcdef";

fn tools(guard: Guard) -> HttpTools {
    let clock = ManualClock::new(Timestamp::from_micros(1_767_225_600_999_999));
    HttpTools::new(guard, Arc::new(clock)).unwrap()
}

fn spec(url: &str, class: ToolClass) -> HttpToolSpec {
    HttpToolSpec {
        definition: ToolDefinition {
            name: "look".to_owned(),
            description: "Looks.".to_owned(),
            schema: json!({ "type": "object" }),
        },
        class,
        url: url.to_owned(),
        method: Method::POST,
        headers: [("x-team".to_owned(), "blue".to_owned())].into(),
        secret_header: Some((
            "authorization".to_owned(),
            Secret::new("Bearer canary".to_owned()),
        )),
        signing_secret: Secret::new(SIGNING.to_owned()),
        timeout: Duration::from_secs(10),
    }
}

async fn called(spec: HttpToolSpec) -> Result<String, ToolError> {
    let tool = tools(guard()).tool(spec);
    match tool.call(context(), json!({ "a": 1 })).await? {
        ToolReply::Output(output) => Ok(output),
        other => panic!("it said {other:?}"),
    }
}

const CLASSES: [ToolClass; 3] = [ToolClass::Pure, ToolClass::Keyed, ToolClass::Once];

#[tokio::test]
async fn a_call_is_one_signed_request() {
    let server = Server::start(vec![answer("200 OK", "", "found")]).await;
    let tool = tools(guard()).tool(spec(&server.url, ToolClass::Once));
    let context = context();
    let reply = tool.call(context.clone(), json!({ "a": 1 })).await;
    assert_eq!(reply, Ok(ToolReply::from("found")));
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(request.line, "POST / HTTP/1.1");
    for (name, value) in [
        ("content-type", "application/json"),
        ("authorization", "Bearer canary"),
        ("x-team", "blue"),
        ("connection", "close"),
        ("runloom-timestamp", "1767225600"),
    ] {
        assert_eq!(request.headers[name], value, "{name}");
    }
    assert_eq!(request.headers["idempotency-key"], context.effect_key());
    let signed = sign::signature(
        &Secret::new(SIGNING.to_owned()),
        1_767_225_600,
        &request.body,
    );
    assert_eq!(request.headers["runloom-signature"], signed);
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let expected = json!({
        "tool": "look", "arguments": { "a": 1 }, "run_id": context.run_id,
        "tool_call_id": context.tool_call_id, "org_id": context.org_id,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn what_the_server_says_is_told() {
    for (said, class, part) in [
        (
            answer("404 Not Found", "", "no such order"),
            "tool.failed",
            "404 Not Found: no such order",
        ),
        (
            answer("500 Oops", "", &"x".repeat(9_000)),
            "tool.failed",
            "xxx",
        ),
        (
            answer("302 Found", "location: http://169.254.169.254/\r\n", ""),
            "tool.failed",
            "redirects",
        ),
        (
            answer("429 Later", "retry-after: 60\r\n", "slow down"),
            "tool.failed",
            "slow down",
        ),
        (
            answer("200 OK", "", "x").replace("length: 1", "length: 9000000"),
            "tool.failed",
            "bytes",
        ),
    ] {
        let server = Server::start(vec![said]).await;
        let error = error_of(called(spec(&server.url, ToolClass::Keyed)).await);
        assert_eq!(error.class, class, "{error}");
        assert!(error.message.contains(part), "{error}");
        assert!(error.message.len() < 2_200, "an answer that says no is cut");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_that_is_harmless() {
    for class in CLASSES {
        let busy = answer("503 Busy", "retry-after: 0\r\n", "busy");
        let server = Server::start(vec![busy, answer("200 OK", "", "late")]).await;
        let outcome = called(spec(&server.url, class)).await;
        if class == ToolClass::Once {
            assert_eq!(error_of(outcome).class, "tool.failed");
            assert_eq!(server.requests().len(), 1);
        } else {
            assert_eq!(outcome, Ok("late".to_owned()));
            assert_eq!(server.requests().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_with_the_same_key_or_asked_about() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal".to_owned();
    for broken in [String::new(), cut] {
        for class in CLASSES {
            let server = Server::start(vec![broken.clone(), answer("200 OK", "", "there")]).await;
            let outcome = called(spec(&server.url, class)).await;
            let requests = server.requests();
            if class == ToolClass::Once {
                assert_eq!(error_of(outcome).class, ToolError::OUTCOME_UNKNOWN);
                assert_eq!(requests.len(), 1);
            } else {
                assert_eq!(outcome, Ok("there".to_owned()));
                let key = |n: usize| requests[n].headers["idempotency-key"].clone();
                assert_eq!((requests.len(), key(0)), (2, key(1)));
            }
        }
    }
}

#[tokio::test]
async fn it_is_tried_twice_at_most() {
    let server = Server::start(vec![String::new(), String::new(), String::new()]).await;
    let error = error_of(called(spec(&server.url, ToolClass::Pure)).await);
    assert_eq!(error.class, "tool.unavailable");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn silence_has_an_end() {
    for (class, expected) in [
        (ToolClass::Keyed, "tool.timeout"),
        (ToolClass::Once, ToolError::OUTCOME_UNKNOWN),
    ] {
        let server = Server::start(vec![]).await;
        let mut spec = spec(&server.url, class);
        spec.timeout = Duration::from_millis(200);
        assert_eq!(error_of(called(spec).await).class, expected);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn what_was_never_connected_has_not_happened() {
    let gone = Server::start(vec![]).await.url.clone();
    let guarded = tools(Guard::new(runloom_net::guard::Policy::default()));
    for (tools, url) in [
        (tools(guard()), gone.as_str()),
        (guarded.clone(), "http://127.0.0.1:9/"),
        (guarded.clone(), "http://localhost:9/"),
        (guarded, "ftp://example.com/"),
    ] {
        let tool = tools.tool(spec(url, ToolClass::Once));
        let error = error_of(tool.call(context(), json!({})).await);
        assert_eq!(error.class, "tool.unavailable", "{url}: {error}");
    }
}

/// A server that keeps its connections open, and how many it has had.
async fn lasting() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::<AtomicUsize>::default();
    let counting = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counting.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                while read(&mut stream).await.is_some() {
                    let said = answer("200 OK", "", "there");
                    stream.write_all(said.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (url, count)
}

#[tokio::test]
async fn what_must_not_happen_twice_has_a_connection_of_its_own() {
    let (url, connections) = lasting().await;
    let tools = tools(guard());
    for (class, expected) in [
        (ToolClass::Keyed, 1),
        (ToolClass::Pure, 1),
        (ToolClass::Once, 2),
        (ToolClass::Once, 3),
        (ToolClass::Keyed, 3),
    ] {
        let tool = tools.tool(spec(&url, class));
        let reply = tool.call(context(), json!({})).await;
        assert_eq!(reply, Ok(ToolReply::from("there")));
        assert_eq!(connections.load(Ordering::SeqCst), expected, "{class:?}");
    }
}
