//! Many runs on one credential of a provider that takes few calls.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream;
use runloom_domain::SystemClock;
use runloom_domain::event::FinishReason;
use runloom_engine::port::model::{
    ModelError, ModelErrorKind, ModelEvent, ModelPort, ModelRequest, ModelStream,
};
use runloom_engine::{Engine, EngineConfig};
use runloom_store::RunStore as _;
use runloom_store::memory::MemoryStore;

use super::bench::{begin, ended, parts, route};

/// What the provider takes in each of these spans.
const SPAN: Duration = Duration::from_millis(100);
const CALLS: usize = 10;
/// How long it asks those to wait who come beyond that.
const WAIT: Duration = Duration::from_millis(150);

/// Notes when each call came and whether it was taken.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<Vec<(Instant, bool)>>>);

#[async_trait]
impl ModelPort for Provider {
    async fn call(&self, _: ModelRequest) -> Result<ModelStream, ModelError> {
        let now = Instant::now();
        let is_taken = {
            let mut calls = self.0.lock().unwrap();
            let recent = |(at, taken): &&(Instant, bool)| *taken && now.duration_since(*at) < SPAN;
            let is_taken = calls.iter().filter(recent).count() < CALLS;
            calls.push((now, is_taken));
            is_taken
        };
        if !is_taken {
            let mut error = ModelError::new(ModelErrorKind::RateLimited, "too many");
            error.retry_after = Some(WAIT);
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        let end = ModelEvent::Finished {
            reason: FinishReason::Stop,
            provider: None,
        };
        Ok(stream::iter([Ok(ModelEvent::Text("hi".to_owned())), Ok(end)]).boxed())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_runs_on_one_credential_all_get_through_without_a_herd() {
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let provider = Provider::default();
    let routes = vec![route("r", |_| {})];
    let parts = parts(&store, provider.clone(), routes);
    let engine = Engine::start(parts, EngineConfig::default())
        .await
        .expect("an engine");
    let mut runs = Vec::new();
    for _ in 0..200 {
        runs.push(begin(&engine, &store).await);
    }
    for run in &runs {
        ended(&engine, run.org_id, run.run_id).await;
        let record = store.run(run.org_id, run.run_id).await.expect("a store");
        let status = record.expect("a run").status;
        assert_eq!(status.as_str(), "completed");
    }
    let calls = provider.0.lock().unwrap();
    let first_refusal = calls.iter().find(|(_, taken)| !taken).expect("a storm").0;
    // Those who were on their way when the first was refused couldn't know.
    let knew = |at: Instant| at > first_refusal + SPAN;
    let later: Vec<_> = calls.iter().filter(|(at, _)| knew(*at)).collect();
    let refused = later.iter().filter(|(_, taken)| !taken).count();
    assert!(
        refused * 5 < later.len(),
        "{refused} of {} calls were refused once the limit was known",
        later.len()
    );
    // No span sees many more calls than the provider takes.
    for (at, _) in &later {
        let near =
            |(other, _): &&&(Instant, bool)| *other >= *at && other.duration_since(*at) < SPAN;
        let together = later.iter().filter(near).count();
        assert!(
            together <= 2 * CALLS,
            "{together} calls came within {SPAN:?}"
        );
    }
}
