//! The agent loop that Runloom serves and other services embed.
//!
//! A run is a log: what clients stream, what a crashed run is rebuilt from and what the bill
//! is summed from are one sequence of events, committed before anybody sees them. The engine
//! knows a store, models, tools and a configuration only by ports ([`runloom_store`],
//! [`port`]); it names no database, no HTTP client and no web framework.
//!
//! Start with [`Engine::start`]. Inside, `machine` decides (purely), `driver` commits what was
//! decided and then acts on it, `worker` takes runs and keeps the node's lease, `writer`
//! commits what all runs append together, and [`live`] shows it to those who watch.
//!
//! # Embedding
//!
//! The host brings a store (`runloom-store-sql` opens SQLite and PostgreSQL), something that
//! speaks to models (`runloom-models` does), its personas and routes, and its tools if it has
//! any. Events come back encoded as the server sends them.
//!
//! ```
//! use std::sync::Arc;
//! use runloom_domain::{Clock as _, OrgId, RunId, SystemClock, ThreadId, TraceId, UserId};
//! use runloom_engine::port::catalog::{FixedCatalog, RouteEntry};
//! use runloom_engine::port::{model::ModelPort, tool::ToolBox};
//! use runloom_engine::{Engine, EngineConfig, EngineParts, StartRun, WatchRun};
//! use runloom_store::{NewThread, ThreadStore as _, memory::MemoryStore};
//! # use runloom_domain::{RunStatus, event::FinishReason};
//! # use runloom_engine::port::model::{ModelError, ModelEvent, ModelRequest, ModelStream};
//! # struct Echo;
//! # #[async_trait::async_trait]
//! # impl ModelPort for Echo {
//! #     async fn call(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
//! #         let text = request.messages.last().map(|m| m.body.content().to_owned());
//! #         let events = [
//! #             ModelEvent::Text(text.unwrap_or_default()),
//! #             ModelEvent::Finished { reason: FinishReason::Stop, provider: None },
//! #         ];
//! #         Ok(Box::pin(futures_util::stream::iter(events.map(Ok))))
//! #     }
//! # }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(SystemClock);
//! let store = Arc::new(MemoryStore::new(clock.clone()));
//! let persona = serde_json::from_str(r#"{"key": "p", "version": "1", "prompt": "Be kind."}"#)?;
//! let route = serde_json::from_str(r#"{"route_id": "r", "model": "m", "kind": "echo"}"#)?;
//! let routes = vec![RouteEntry::default_for(route)];
//! let catalog = Arc::new(FixedCatalog { personas: vec![persona], routes });
//! let models: Arc<dyn ModelPort> = Arc::new(Echo); // or `runloom_models::Models`
//! let tools = ToolBox::default(); // `.with(…)` adds one
//! let parts = EngineParts {
//!     signals: None, // one node; others share a store and tell each other
//!     sources: vec![], // tools of others, such as MCP servers
//!     store: store.clone(), models, tools, catalog, clock: clock.clone(),
//! };
//! let engine = Engine::start(parts, EngineConfig::default()).await?; // goes on with what is due
//!
//! let now = clock.now();
//! let (org_id, user_id) = (OrgId::generate(now), UserId::generate(now));
//! let (thread_id, run_id) = (ThreadId::generate(now), RunId::generate(now));
//! store.create_thread(NewThread::untitled(org_id, thread_id, user_id, now), None).await?;
//! let mut start = StartRun::new(org_id, user_id, thread_id, run_id, TraceId::generate());
//! start.input = Some("hello".into());
//! engine.start_run(start).await?;
//! let mut watch = engine.watch(WatchRun { org_id, run_id, after: 0, follow: true }).await?;
//! while let Some(frame) = watch.next().await {
//!     print!("{}", std::str::from_utf8(&frame?.bytes)?);
//! }
//! engine.drain(std::time::Duration::from_secs(2)).await; // hands over what still runs
//! # let run = runloom_store::RunStore::run(&*store, org_id, run_id).await?.ok_or("no run")?;
//! # assert_eq!(run.status, RunStatus::Completed);
//! # Ok(())
//! # }
//! ```
//!
//! A tool of the host's is a type with a name, arguments and a method:
//!
//! ```
//! # use runloom_engine::port::tool::{ToolBox, ToolContext, ToolError, ToolReply, TypedTool};
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct City { /** Its name. */ name: String }
//! struct Weather;
//!
//! #[async_trait::async_trait]
//! impl TypedTool for Weather {
//!     type Arguments = City;
//!     const NAME: &'static str = "weather";
//!     const DESCRIPTION: &'static str = "Tell the weather in a city.";
//!     async fn run(&self, _: ToolContext, city: City) -> Result<ToolReply, ToolError> {
//!         Ok(format!("It rains in {}.", city.name).into())
//!     }
//! }
//! let tools = ToolBox::default().with(Weather);
//! # assert_eq!(tools.get("weather").unwrap().definition().schema["required"][0], "name");
//! ```

mod agents;
mod answer_schema;
mod approval;
mod argument_schema;
mod cluster;
mod definitions;
mod driver;
mod engine;
mod facade;
mod fault;
mod gate;
mod lease;
pub mod live;
mod machine;
mod metrics;
#[cfg(test)]
mod model_test;
mod ops;
pub mod port;
mod shared;
mod worker;
mod writer;

pub use agents::AGENT_TOOLS;
pub use answer_schema::check_answer_schema;
pub use approval::check_approvals;
pub use argument_schema::check_argument_schema;
pub use engine::{Engine, EngineConfig, EngineParts};
pub use facade::{
    CancelError, GiveInput, GivenAnswer, InputError, StartError, StartRun, StartedRun, WatchError,
    WatchRun, WhenBusy,
};
