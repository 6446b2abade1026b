//! The contract suite: what every adapter of the ports must do, as tests.
//!
//! An adapter enables the feature `contract` in its dev-dependencies, writes an async function
//! that gives a fresh, empty store in a [`Harness`], and names it where the tests shall stand:
//!
//! ```
//! use std::sync::Arc;
//! use runloom_domain::SystemClock;
//! use runloom_store::contract::{Harness, Hooks};
//! use runloom_store::memory::MemoryStore;
//!
//! struct NoHooks;
//! impl Hooks for NoHooks {}
//!
//! async fn fresh() -> Harness {
//!     let store = MemoryStore::new(Arc::new(SystemClock));
//!     Harness::new(Arc::new(store), NoHooks)
//! }
//!
//! runloom_store::contract_suite!(fresh);
//! # fn main() {}
//! ```
//!
//! This makes one `#[tokio::test]` for each case, in one module for each topic; the adapter's
//! crate needs tokio with `macros` and `rt-multi-thread`. Each case calls the function once,
//! so a database server is best given a template to clone.
//!
//! What the ports don't offer but a test needs comes from [`Hooks`]: to hold a run's row from
//! another session, to open the store again, to let time pass. All have defaults, so an
//! adapter starts without any. A case that needs a hook which isn't there tests what it can
//! without it; where only time must pass and it isn't much, it waits.
//!
//! To add a case: a documented `pub async fn` in the file of its topic, and its name in the
//! list of `suite.rs`; a test fails when it isn't in the list. Cases order what races with
//! barriers, never with sleeps, and take ids and times from `fixtures`.

mod fixtures;
mod harness;
mod suite;

pub mod accounts;
pub mod api_keys;
pub mod append;
pub mod audit;
pub mod audit_chain;
pub mod batch;
pub mod budgets;
pub mod cancel_safety;
pub mod census;
pub mod children;
pub mod claim;
pub mod create;
pub mod credentials;
pub mod credits;
pub mod data_keys;
pub mod discoveries;
pub mod fidelity;
pub mod http_tools;
pub mod intents;
pub mod invitations;
pub mod key_rotation;
pub mod keys;
pub mod leases;
pub mod mcp_servers;
pub mod mcp_tools;
pub mod members;
pub mod messages;
pub mod orgs;
pub mod orphans;
pub mod personas;
pub mod projection;
pub mod queue;
pub mod quotas;
pub mod races;
pub mod reads;
pub mod resets;
pub mod retention;
pub mod rewind;
pub mod routes;
pub mod run_lists;
pub mod sessions;
pub mod tenancy;
pub mod thread_races;
pub mod threads;
pub mod usage;
pub mod wall;

pub use harness::{Harness, Hooks};
