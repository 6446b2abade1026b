//! Model adapters behind the engine's model port.
//!
//! [`Models`] is the port that a server hands to the engine; it chooses an adapter by the
//! route's kind. [`ScriptedModel`] answers from a script and exists only where it is
//! registered: in development mode and in tests.
//!
//! This crate knows nothing of storage, and never tries a failed call again: retries are the
//! engine's.

mod models;
mod scripted;

pub use models::{Models, ModelsBuilder};
pub use scripted::{Action, Script, ScriptError, ScriptedError, ScriptedModel, Turn};
