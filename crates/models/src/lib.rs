//! Model adapters behind the engine's model port.
//!
//! [`Models`] is the port that a server hands to the engine; it chooses an adapter by the
//! route's kind. [`GenaiModel`] reaches OpenAI-style chat endpoints. [`ScriptedModel`] answers
//! from a script and exists only where it is registered: in development mode and in tests.
//!
//! This crate knows nothing of storage, and never tries a failed call again: retries are the
//! engine's.

mod client;
mod draft;
mod endpoint;
mod failure;
mod models;
mod openai;
mod retry_after;
mod scripted;
mod sse;

pub use endpoint::{ApiKey, Endpoint, EndpointError};
pub use models::{Models, ModelsBuilder};
pub use openai::GenaiModel;
pub use scripted::{Action, Script, ScriptError, ScriptedError, ScriptedModel, Turn};
