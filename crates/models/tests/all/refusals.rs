//! Providers that say no, or can't be reached.

use std::time::Duration;

use runloom_engine::port::model::{ModelError, ModelErrorKind};

use crate::mock::{Provider, Step};
use crate::outcome::outcome;
use crate::request::{CANARY, impatient, models, request};
use crate::wire::{answer, send};

async fn refusal(steps: Vec<Step>) -> ModelError {
    let provider = Provider::answering(steps).await;
    let result = outcome(&models(&provider.url), request("hello")).await;
    assert!(result.events.is_empty());
    result.error.unwrap()
}

async fn refused(status: &str, headers: &str, body: &str) -> (ModelErrorKind, Option<Duration>) {
    let error = refusal(answer(status, headers, body)).await;
    (error.kind, error.retry_after)
}

#[tokio::test]
async fn each_status_is_its_own_failure() {
    let body = format!(r#"{{"error":{{"message":"Incorrect API key {CANARY}"}}}}"#);
    for (status, kind) in [
        ("400 Bad Request", ModelErrorKind::BadRequest),
        ("401 Unauthorized", ModelErrorKind::Unauthorized),
        ("402 Payment Required", ModelErrorKind::PaymentRequired),
        ("403 Forbidden", ModelErrorKind::Unauthorized),
        ("404 Not Found", ModelErrorKind::NotFound),
        ("408 Request Timeout", ModelErrorKind::Timeout),
        ("422 Unprocessable Entity", ModelErrorKind::BadRequest),
        ("429 Too Many Requests", ModelErrorKind::RateLimited),
        ("500 Internal Server Error", ModelErrorKind::Unavailable),
        ("503 Service Unavailable", ModelErrorKind::Unavailable),
        ("529 Overloaded", ModelErrorKind::Unavailable),
    ] {
        assert_eq!(refused(status, "", &body).await, (kind, None), "{status}");
    }
}

#[tokio::test]
async fn the_wish_to_wait_is_passed_on() {
    let limited = async |headers: &str| refused("429 Too Many", headers, "{}").await;
    let wait = |millis| {
        (
            ModelErrorKind::RateLimited,
            Some(Duration::from_millis(millis)),
        )
    };
    assert_eq!(limited("retry-after: 2\r\n").await, wait(2_000));
    assert_eq!(
        limited("retry-after: 2\r\nretry-after-ms: 1500\r\n").await,
        wait(1_500)
    );
    let dates = "date: Wed, 21 Oct 2015 07:28:00 GMT\r\n\
                 retry-after: Wed, 21 Oct 2015 07:28:30 GMT\r\n";
    assert_eq!(limited(dates).await, wait(30_000));
    // There is no sense in waiting with a key that isn't valid.
    let invalid = refused("401 Unauthorized", "retry-after: 2\r\n", "").await;
    assert_eq!(invalid, (ModelErrorKind::Unauthorized, None));
}

#[tokio::test]
async fn a_prompt_that_does_not_fit_is_told_from_a_bad_request() {
    let openai = r#"{"error":{"message":"m","type":"invalid_request_error",
        "param":"messages","code":"context_length_exceeded"}}"#;
    let llama = r#"{"error":{"code":400,"message":"the request exceeds the available context size",
        "type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}"#;
    for body in [openai, llama] {
        let (kind, _) = refused("400 Bad Request", "", body).await;
        assert_eq!(kind, ModelErrorKind::ContextOverflow);
    }
}

#[tokio::test]
async fn an_exhausted_account_is_no_rate_limit() {
    let body = r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let (kind, _) = refused("429 Too Many", "", body).await;
    assert_eq!(kind, ModelErrorKind::PaymentRequired);
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let result = outcome(&models(&url), request("hello")).await;
    assert_eq!(result.line(), "error provider.unavailable");
}

#[tokio::test]
async fn the_body_of_a_refusal_may_hang_or_never_end() {
    let head = "HTTP/1.1 429 Too Many\r\nretry-after: 3\r\ncontent-length: 99999999999\r\n\r\n";
    let hung = vec![send(head), send("{\"error\":")];
    let endless = (0..320).map(|_| Step::Send(vec![b'x'; 64 * 1024]));
    let endless = std::iter::once(send(head)).chain(endless).collect();
    for steps in [hung, endless] {
        let mut provider = Provider::answering(steps).await;
        let patience = impatient(Duration::from_millis(300));
        let result = outcome(&models(&provider.url), patience).await;
        let error = result.error.unwrap();
        assert_eq!(error.kind, ModelErrorKind::RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
        let sent = provider.connection_end().await;
        assert!(sent < 15 * 1024 * 1024, "{sent} bytes were taken");
    }
}
