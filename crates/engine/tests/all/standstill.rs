//! Runs that stand still on a node that is well.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use runloom_domain::event::FinishReason;
use runloom_domain::{Clock as _, EventBody, NodeId, SystemClock};
use runloom_engine::port::model::{ModelError, ModelEvent, ModelPort, ModelRequest, ModelStream};
use runloom_engine::{Engine, EngineConfig};
use runloom_store::RunStore as _;
use runloom_store::memory::MemoryStore;
use tokio::runtime::Runtime;

use super::bench::{Started, begin, ended, life_after, parts, route};

/// Never says anything, nor that it won't.
struct Silent;

#[async_trait]
impl ModelPort for Silent {
    async fn call(&self, _: ModelRequest) -> Result<ModelStream, ModelError> {
        std::future::pending().await
    }
}

/// Ends at once.
struct Brief;

#[async_trait]
impl ModelPort for Brief {
    async fn call(&self, _: ModelRequest) -> Result<ModelStream, ModelError> {
        let reason = FinishReason::Stop;
        let provider = None;
        let end = ModelEvent::Finished { reason, provider };
        let all = [ModelEvent::Text("done".to_owned()), end];
        Ok(stream::iter(all.map(Ok)).boxed())
    }
}

fn impatient(node: NodeId) -> EngineConfig {
    EngineConfig {
        node: Some(node),
        watch_every: Duration::from_millis(50),
        watch_slack: Duration::from_millis(100),
        ..EngineConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_silent_beyond_its_limits_is_given_up() {
    let quick = route("r", |route| {
        (route.timeouts.header_ms, route.timeouts.idle_ms) = (20, 20);
        (route.backoff.base_ms, route.backoff.cap_ms) = (1, 1);
    });
    let node = NodeId::generate(SystemClock.now());
    let log = life_after(vec![], impatient(node), Silent, vec![quick]).await;
    let retried = |body: &EventBody| matches!(body, EventBody::StepRetried(_));
    assert!(log.iter().any(|event| retried(&event.body)), "{log:?}");
    let last = &log.last().expect("a log").body;
    assert!(matches!(last, EventBody::RunFailed(_)), "{last:?}");
}

/// Another process may have been this node, or the answer to a claim may have been lost.
#[test]
fn a_run_that_nobody_works_on_is_taken_up() {
    let clock = Arc::new(SystemClock);
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let node = NodeId::generate(clock.now());
    let config = || impatient(node);
    let routes = || vec![route("r", |_| ())];
    let before = Runtime::new().expect("a runtime");
    let Started { org_id, run_id } = before.block_on(async {
        let engine = Engine::start(parts(&store, Silent, routes()), config()).await;
        begin(&engine.expect("an engine"), &store).await
    });
    before.shutdown_background();
    Runtime::new().expect("a runtime").block_on(async {
        let engine = Engine::start(parts(&store, Brief, routes()), config()).await;
        ended(&engine.expect("an engine"), org_id, run_id).await;
        let run = store.run(org_id, run_id).await.expect("a store");
        assert_eq!(run.expect("a run").status.as_str(), "completed");
    });
}
