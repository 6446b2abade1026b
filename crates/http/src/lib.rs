//! Runloom's HTTP API over actix-web: routes, extractors, wire types, the event stream and the
//! OpenAPI document.
//!
//! The crate knows neither SQL nor how a run proceeds: handlers take a request apart, call the
//! engine, the accounts or the store, and put the answer together. To add an endpoint: a file
//! `v1/<resource>/<verb>.rs`, a line in `routes.rs`, a line in `openapi.rs`, the snapshot.
//!
//! actix-web's workers are current-thread runtimes, and a handler is dropped when its client
//! goes away. So handlers hold handles only, and `HttpState::run` carries every call into the
//! store or the engine out on the main runtime, where it ends even when nobody waits for it.
//!
//! Start with [`server`], or with [`configure`] to put the routes into an application of your
//! own.

mod configuring;
mod docs;
mod entered;
mod error;
mod extract;
mod forwarded;
mod headers;
mod limits;
mod listen;
mod metrics;
mod middleware;
mod openapi;
mod page;
mod precondition;
mod readiness;
mod routes;
mod server;
mod service;
mod state;
mod stream;
mod v1;

pub use configuring::{
    Configuring, CredentialProbe, PlatformServer, PlatformServers, Provider, Refreshed,
    ToolServers, UrlRules,
};
pub use limits::CallerLimits;
pub use listen::{ListenSettings, listen};
pub use metrics::MetricsSource;
pub use openapi::openapi_json;
pub use readiness::{NotReady, Readiness, StoreReadiness};
pub use server::{configure, server};
pub use state::{HttpParts, HttpSettings, HttpState};
