//! An engine on a store in memory, and the log of a run that it has ended.

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{
    Clock, Event, MessageId, OrgId, Persona, Route, RunId, StoredEvent, SystemClock, ThreadId,
    TraceId, UserId,
};
use runloom_engine::port::catalog::{FixedCatalog, RouteEntry};
use runloom_engine::port::model::ModelPort;
use runloom_engine::port::tool::ToolBox;
use runloom_engine::{Engine, EngineConfig, EngineParts, StartRun, WatchRun};
use runloom_store::memory::MemoryStore;
use runloom_store::{NewThread, RunStore as _, ThreadStore as _, UserMessage};
use serde_json::Value;

/// How long a run of these tests may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The largest event that there may be, in bytes of its public data.
const MAX_EVENT: usize = 1024 * 1024;

/// A route called `id`, with what `change` does to it.
pub(crate) fn route(id: &str, change: impl FnOnce(&mut Route)) -> Route {
    let json = serde_json::json!({"route_id": id, "model": "m", "kind": "k"});
    let mut route = serde_json::from_value(json).expect("a route");
    change(&mut route);
    route
}

/// Starts one run on the first of `routes`, each the fallback of the one before it, and returns
/// its log once it has ended. No event of it is larger than it may be.
pub(crate) async fn life_of_a_run(model: impl ModelPort, routes: Vec<Route>) -> Vec<Event> {
    life_after(vec![], EngineConfig::default(), model, routes).await
}

/// The same in a thread in which a person has said these things before.
pub(crate) async fn life_after(
    said: Vec<String>,
    config: EngineConfig,
    model: impl ModelPort,
    routes: Vec<Route>,
) -> Vec<Event> {
    let persona = serde_json::json!({});
    life_as(&persona, said, config, model, routes).await
}

/// The same for a persona with these fields.
pub(crate) async fn life_as(
    persona: &Value,
    said: Vec<String>,
    config: EngineConfig,
    model: impl ModelPort,
    routes: Vec<Route>,
) -> Vec<Event> {
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let mut parts = parts(&store, model, routes.clone());
    parts.catalog = Arc::new(catalog(persona, routes));
    let engine = Engine::start(parts, config).await.expect("an engine");
    let Started { org_id, run_id } = begin_after(said, &engine, &store).await;
    ended(&engine, org_id, run_id).await;
    let log = store.events(org_id, run_id, 0, 100_000).await;
    let events = log.expect("a log");
    for stored in &events {
        let bytes = stored.event.data.len();
        assert!(bytes <= MAX_EVENT, "event {} has {bytes}", stored.seq);
    }
    let decoded = events.iter().map(StoredEvent::decode);
    decoded.map(|event| event.expect("an event")).collect()
}

/// What an engine without tools is made of.
pub(crate) fn parts(
    store: &Arc<MemoryStore>,
    model: impl ModelPort,
    routes: Vec<Route>,
) -> EngineParts {
    EngineParts {
        store: store.clone(),
        models: Arc::new(model),
        tools: ToolBox::default(),
        sources: vec![],
        catalog: Arc::new(catalog(&serde_json::json!({}), routes)),
        clock: Arc::new(SystemClock),
        signals: None,
    }
}

/// A run that has begun.
pub(crate) struct Started {
    pub(crate) org_id: OrgId,
    pub(crate) run_id: RunId,
}

/// Starts a run in a new thread.
pub(crate) async fn begin(engine: &Engine, store: &MemoryStore) -> Started {
    begin_after(vec![], engine, store).await
}

async fn begin_after(said: Vec<String>, engine: &Engine, store: &MemoryStore) -> Started {
    let now = SystemClock.now();
    let (org_id, user) = (OrgId::generate(now), UserId::generate(now));
    let (thread, run_id) = (ThreadId::generate(now), RunId::generate(now));
    let new = NewThread::untitled(org_id, thread, user, now);
    store.create_thread(new, None).await.expect("a thread");
    for content in said {
        let message = UserMessage {
            org_id,
            thread_id: thread,
            message_id: MessageId::generate(now),
            content,
            created_by: user,
            created_at: now,
        };
        store.post_message(message, None).await.expect("a message");
    }
    let start = StartRun::new(org_id, user, thread, run_id, TraceId::generate());
    engine.start_run(start).await.expect("a run");
    Started { org_id, run_id }
}

/// Waits until the run has ended.
pub(crate) async fn ended(engine: &Engine, org_id: OrgId, run_id: RunId) {
    let watched = WatchRun {
        org_id,
        run_id,
        after: 0,
        follow: true,
    };
    let mut watch = engine.watch(watched).await.expect("a watch");
    let end = async { while watch.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, end)
        .await
        .expect("the run ends");
}

fn catalog(more: &Value, routes: Vec<Route>) -> FixedCatalog {
    let mut persona = serde_json::json!({"key": "p", "version": "1", "prompt": ""});
    for (name, value) in more.as_object().expect("fields") {
        persona[name] = value.clone();
    }
    let persona: Persona = serde_json::from_value(persona).expect("a persona");
    let mut next = routes.iter().skip(1).map(|route| route.route_id.clone());
    let fallbacks: Vec<_> = routes.iter().map(|_| next.next()).collect();
    let entries =
        routes
            .into_iter()
            .zip(fallbacks)
            .enumerate()
            .map(|(index, (route, fallback))| RouteEntry {
                is_default: index == 0,
                fallback,
                ..RouteEntry::default_for(route)
            });
    FixedCatalog {
        personas: vec![persona],
        routes: entries.collect(),
    }
}
