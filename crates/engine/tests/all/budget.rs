//! A run spends no more than it may, whatever its provider does.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream;
use runloom_domain::event::FinishReason;
use runloom_domain::{Event, EventBody, NanoUsd, Prices, Route, Usage};
use runloom_engine::EngineConfig;
use runloom_engine::port::model::{ModelError, ModelEvent, ModelPort, ModelRequest, ModelStream};
use serde_json::json;

use super::bench::{life_as, route};

/// Says eight letters at a time, which are two tokens by the estimate, and never stops. Notes
/// how much it was asked for.
#[derive(Clone, Default)]
struct Endless(Arc<Mutex<Vec<Option<u64>>>>);

#[async_trait]
impl ModelPort for Endless {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        self.0.lock().unwrap().push(request.max_output_tokens);
        let chunk = || async { Ok(ModelEvent::Text("12345678".to_owned())) };
        Ok(stream::repeat_with(chunk).then(|chunk| chunk).boxed())
    }
}

/// Stops where it is told to.
struct Obedient;

#[async_trait]
impl ModelPort for Obedient {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let most = request.max_output_tokens.expect("a limit");
        let text = ModelEvent::Text("1234".repeat(most as usize));
        let mut usage = Usage::estimated(8, 0);
        usage.tokens.output_tokens = most;
        let end = ModelEvent::Finished {
            reason: FinishReason::Length,
            provider: None,
        };
        Ok(stream::iter([text, ModelEvent::Usage(usage), end].map(Ok)).boxed())
    }
}

fn priced(route: &mut Route) {
    route.prices = Some(Prices {
        output: NanoUsd::from_dollars(2.0).unwrap(),
        ..Prices::default()
    });
}

fn failure(log: &[Event]) -> &str {
    match log.last().map(|event| &event.body) {
        Some(EventBody::RunFailed(failed)) => &failed.error_class,
        other => panic!("the run did not fail: {other:?}"),
    }
}

fn chunks(log: &[Event]) -> usize {
    let is_delta = |event: &&Event| matches!(event.body, EventBody::MessageDelta(_));
    log.iter().filter(is_delta).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_never_stops_is_cut_one_chunk_later_at_most() {
    for (limits, tokens) in [
        (json!({"limits": {"max_output_tokens": 100}}), 100),
        // At two dollars a million, twenty thousand nano-dollars are ten tokens.
        (json!({"limits": {"max_cost": 20_000}}), 10),
    ] {
        let model = Endless::default();
        let routes = vec![route("r", priced)];
        let log = life_as(
            &limits,
            vec![],
            EngineConfig::default(),
            model.clone(),
            routes,
        )
        .await;
        assert_eq!(failure(&log), "budget.exhausted");
        assert_eq!(chunks(&log), tokens / 2 + 1, "{limits}");
        assert_eq!(*model.0.lock().unwrap(), [Some(tokens as u64)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_stops_at_the_budget_ends_the_run_too() {
    let limits = json!({"limits": {"max_output_tokens": 100}});
    let routes = vec![route("r", priced)];
    let log = life_as(&limits, vec![], EngineConfig::default(), Obedient, routes).await;
    assert_eq!(failure(&log), "budget.exhausted");
    let EventBody::RunFailed(failed) = &log.last().unwrap().body else {
        unreachable!("looked at above")
    };
    assert_eq!(failed.totals.total_output_tokens, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routes_own_limit_is_no_budget() {
    let routes = vec![route("r", |route| route.max_output_tokens = Some(5))];
    let log = life_as(
        &json!({}),
        vec![],
        EngineConfig::default(),
        Obedient,
        routes,
    )
    .await;
    let last = &log.last().unwrap().body;
    assert!(matches!(last, EventBody::RunCompleted(_)), "{last:?}");
}
