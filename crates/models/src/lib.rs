//! Model adapters behind the engine's model port.
//!
//! [`Models`] is the port that a server hands to the engine; it goes by the route's kind.
//! [`Models::KINDS`] lists the providers that it can speak to, and [`Endpoints`] tells it where
//! they are. [`ScriptedModel`] answers from a script and exists only where it is registered: in
//! development mode and in tests.
//!
//! This crate knows nothing of storage, and never tries a failed call again: retries are the
//! engine's.

mod answer;
mod anthropic;
mod calls;
mod chat;
mod client;
mod conversation;
mod draft;
mod endpoint;
mod endpoints;
mod failure;
mod family;
mod frames;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gemini;
mod json;
mod kind;
mod lines;
mod models;
mod ollama;
mod opaque;
mod probe;
mod providers;
mod responses;
mod retry_after;
mod scripted;
mod stream;

pub use endpoint::{ApiKey, Endpoint, EndpointProblem, UrlOwner};
pub use endpoints::{Endpoints, EndpointsError, FixedEndpoints};
pub use kind::{AuthStyle, Kind};
pub use models::{EndpointError, Models, ModelsBuilder};
pub use scripted::{Action, Script, ScriptError, ScriptedError, ScriptedModel, Turn};
