//! A model that never ends must not hold a run for ever.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream;
use runloom_domain::event::FinishReason;
use runloom_domain::{Event, EventBody, Route};
use runloom_engine::port::model::{ModelError, ModelEvent, ModelPort, ModelRequest, ModelStream};

use super::bench::{life_of_a_run, route};

/// What a route's model does, by the route's id.
struct Models;

#[async_trait]
impl ModelPort for Models {
    async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        Ok(match request.route.route_id.as_str() {
            "silent" => stream::pending().boxed(),
            "unopened" => std::future::pending().await,
            "dripping" => stream::unfold((), drip).boxed(),
            _ => stream::iter(answer().map(Ok)).boxed(),
        })
    }
}

/// One letter each millisecond, for ever.
async fn drip((): ()) -> Option<(Result<ModelEvent, ModelError>, ())> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Some((Ok(ModelEvent::Text("a".to_owned())), ()))
}

fn answer() -> [ModelEvent; 2] {
    let end = ModelEvent::Finished {
        reason: FinishReason::Stop,
        provider: None,
    };
    [ModelEvent::Text("at last".to_owned()), end]
}

fn impatient(route: &mut Route) {
    route.timeouts.total_ms = 100;
}

fn failure(log: &[Event]) -> &str {
    match log.last().map(|event| &event.body) {
        Some(EventBody::RunFailed(failed)) => &failed.error_class,
        other => panic!("the run did not fail: {other:?}"),
    }
}

fn count(log: &[Event], is: impl Fn(&EventBody) -> bool) -> usize {
    log.iter().filter(|event| is(&event.body)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_without_end_fails_once() {
    for model in ["silent", "unopened", "dripping"] {
        let log = life_of_a_run(Models, vec![route(model, impatient)]).await;
        assert_eq!(failure(&log), "provider.timeout", "{model}");
        let steps = count(&log, |body| matches!(body, EventBody::StepStarted(_)));
        assert_eq!(steps, 1, "{model}: it would take as long again");
        let said = count(&log, |body| matches!(body, EventBody::MessageDelta(_)));
        assert_eq!(said > 0, model == "dripping", "{model}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fallback_has_its_own_time() {
    let routes = vec![route("dripping", impatient), route("good", impatient)];
    let log = life_of_a_run(Models, routes).await;
    let retried = log.iter().find_map(|event| match &event.body {
        EventBody::StepRetried(retried) => Some(retried.clone()),
        _ => None,
    });
    let retried = retried.expect("a fallback");
    assert_eq!(retried.error_class, "provider.timeout");
    assert_eq!(retried.next_route_id.as_deref(), Some("good"));
    match log.last().map(|event| &event.body) {
        Some(EventBody::RunCompleted(completed)) => assert_eq!(completed.output, "at last"),
        other => panic!("the run did not complete: {other:?}"),
    }
}
