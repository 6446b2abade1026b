//! Whatever is dropped, the provider sees the connection close at once.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use runloom_engine::port::model::ModelPort;
use tokio::time::timeout;

use crate::mock::{Provider, Step};
use crate::request::{models, request};
use crate::wire::chat::{head, text};
use crate::wire::{answer, piece};

/// Far less than any timeout of the client's.
const AT_ONCE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn when_the_stream_is_dropped() {
    let mut provider = Provider::answering(vec![head(), piece(text("a"))]).await;
    let models = models(&provider.url);
    let mut stream = models.call(request("hello")).await.unwrap();
    stream.next().await.unwrap().unwrap();
    assert!(stream.next().now_or_never().is_none());
    drop(stream);
    timeout(AT_ONCE, provider.connection_end()).await.unwrap();
}

#[tokio::test]
async fn when_a_stream_in_full_flow_is_dropped() {
    let mut steps = vec![piece(text(&"x".repeat(4_000))); 5_000];
    steps.insert(0, head());
    let mut provider = Provider::answering(steps).await;
    let models = models(&provider.url);
    let mut stream = models.call(request("hello")).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    let sent = timeout(AT_ONCE, provider.connection_end()).await.unwrap();
    assert!(sent < 15_000_000, "{sent} bytes were taken");
}

#[tokio::test]
async fn when_the_call_is_dropped_before_the_headers() {
    let mut provider = Provider::answering(vec![]).await;
    let models = models(&provider.url);
    let call = models.call(request("hello"));
    tokio::select! {
        _ = call => panic!("there is no answer"),
        seen = provider.request() => assert!(seen.head.starts_with("POST /v1/chat/completions ")),
    }
    timeout(AT_ONCE, provider.connection_end()).await.unwrap();
}

#[tokio::test]
async fn when_the_header_timeout_strikes() {
    let mut provider = Provider::answering(vec![]).await;
    let patience = crate::request::impatient(Duration::from_millis(100));
    let models = models(&provider.url);
    models.call(patience).await.err().unwrap();
    timeout(AT_ONCE, provider.connection_end()).await.unwrap();
}

#[tokio::test]
async fn when_the_answer_is_refused() {
    let mut steps = answer("200 OK", "content-type: text/html\r\n", "<html>");
    steps.push(Step::Send(vec![b' '; 10]));
    let mut provider = Provider::answering(steps).await;
    let models = models(&provider.url);
    models.call(request("hello")).await.err().unwrap();
    timeout(AT_ONCE, provider.connection_end()).await.unwrap();
}
