//! Our reader against every row.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use runloom_engine::port::model::{ModelErrorKind, ModelEvent};

use crate::mock::{Provider, Step};
use crate::outcome::outcome;
use crate::request::{impatient, models, models_at, request};
use crate::rows::{PATIENCE, Row, rows};
use crate::wire::chat::{DONE, delta, finish, head, stream, text};
use crate::wire::{piece, send};

#[tokio::test]
async fn every_row_has_the_right_result() {
    let mut providers = Vec::new();
    for row in rows() {
        let provider = Provider::answering(row.steps.clone()).await;
        providers.push((row, provider));
    }
    // One model for all: to load the certificates for each would take longer than the patience.
    let endpoints = providers.iter();
    let endpoints = endpoints.map(|(row, provider)| (row.name.to_owned(), provider.url.clone()));
    let models = models_at(endpoints);
    let check = async |row: &Row| {
        let mut request = impatient(PATIENCE);
        request.route.route_id = row.name.to_owned();
        let line = outcome(&models, request).await.line();
        (line != row.ours).then(|| format!("{}: {line}, not {}", row.name, row.ours))
    };
    let results = join_all(providers.iter().map(|(row, _)| check(row))).await;
    let wrong: Vec<String> = results.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_line_without_end_is_cut_off_early() {
    let part = vec![b'x'; 1024 * 1024];
    let mut steps = vec![head(), piece("data: ")];
    steps.extend((0..20).map(|_| piece(&part)));
    let mut provider = Provider::answering(steps).await;
    let started = Instant::now();
    let result = outcome(&models(&provider.url), request("hello")).await;
    assert_eq!(result.line(), "error provider.malformed");
    let sent = provider.connection_end().await;
    // Beyond our limit only what the kernel's buffers hold can have been sent.
    assert!(sent < 12 * 1024 * 1024, "{sent} bytes were taken");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn text_arrives_as_it_is_sent() {
    let steps = vec![head(), piece(text("first"))];
    let mut provider = Provider::answering(steps).await;
    let models = models(&provider.url);
    let mut stream = runloom_engine::port::model::ModelPort::call(&models, request("hello"))
        .await
        .unwrap();
    let first = futures_util::StreamExt::next(&mut stream).await.unwrap();
    assert_eq!(first.unwrap(), ModelEvent::Text("first".into()));
    drop(stream);
    provider.connection_end().await;
}

#[tokio::test]
async fn reasoning_before_a_call_is_kept_for_the_provider() {
    let call = crate::wire::chat::call(0, "call_0", "t", "{}");
    let thought = delta(&serde_json::json!({"reasoning": "hm"}));
    let events = [thought, call, finish("tool_calls"), DONE.into()];
    let provider = Provider::answering(stream(&events)).await;
    let result = outcome(&models(&provider.url), request("hello")).await;
    let Some(ModelEvent::Finished { provider, .. }) = result.events.last() else {
        panic!("{result:?}");
    };
    let wanted = serde_json::json!({"route_id": "r", "reasoning_content": "hm"});
    assert_eq!(*provider, Some(wanted));
}

#[tokio::test]
async fn a_header_that_never_ends_is_refused() {
    let mut steps = vec![send("HTTP/1.1 200 OK\r\nx: ")];
    steps.extend((0..64).map(|_| Step::Send(vec![b'x'; 64 * 1024])));
    let provider = Provider::answering(steps).await;
    let result = outcome(&models(&provider.url), request("hello")).await;
    assert_eq!(result.error.unwrap().kind, ModelErrorKind::Unavailable);
}
