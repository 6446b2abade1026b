//! The Runloom server: configuration, wiring and life cycle.
//!
//! The crate has no logic of its own. [`Config`](config::Config) says what is wanted, [`serve`]
//! puts the parts together and keeps them running until it is told to stop, and [`program`] is
//! what the binary does around it: arguments, logs, signals.
//!
//! A host that brings its own process calls [`serve`] on a multi-thread tokio runtime. That
//! runtime carries the engine, the database, the models and the tools; requests are answered by
//! threads of their own, each with a small runtime that only waits for the big one.

mod audit;
pub mod config;
mod console;
mod first_start;
mod housekeeping;
mod keys;
mod logs;
pub mod program;
mod serve;
mod signals;
mod spread;
mod wiring;

pub use keys::Keys;
pub use serve::serve;
