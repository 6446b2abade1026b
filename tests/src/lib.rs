//! The harness of the tests from the outside: the server's program on data of its own, a client
//! that keeps the bytes it received, and a model provider that does what it is told.
//!
//! A test names the store it runs on, so that [`both_stores!`] can run it on each:
//!
//! ```text
//! both_stores! {
//!     async fn a_thread_is_found_again(store: Store) {
//!         let node = Setup::new(store).start().await;
//!         let thread = node.client().thread().await;
//!         node.client().get(&format!("/v1/threads/{thread}")).await.expect(200);
//!     }
//! }
//! ```
//!
//! Nothing here sleeps to order things: tests wait for events, lines of output and ends of
//! processes, each with a deadline of [`PATIENCE`].

mod client;
mod data;
mod disk;
mod events;
mod follower;
mod invariants;
mod ledger;
mod mcp;
mod metrics;
mod nats;
mod node;
mod output;
mod part;
mod postgres;
mod programs;
pub mod provider;
mod proxy;
mod raw;
mod script;
mod setup;

use std::time::Duration;

pub use client::{Answer, Client};
pub use data::{Data, Store};
pub use disk::{FailingFlushes, SmallDisk};
pub use events::{Event, EventStream, Frame, kinds, said};
pub use follower::{Followed, Servers};
pub use invariants::{check_effects, check_ended, check_log};
pub use ledger::{Effect, Ledger};
pub use mcp::{McpServer, mcp_tool};
pub use metrics::Metrics;
pub use nats::Nats;
pub use node::{Ended, Node, Stopped, server_binary};
pub use output::Output;
pub use part::Part;
pub use postgres::Postgres;
pub use programs::{Outcome, postgres_program, xtask, xtask_with};
pub use proxy::Proxy;
pub use raw::RawConnection;
pub use runloom_store_sql::testing::Fill;
pub use script::{call, count, script, text};
pub use setup::{MASTER_KEY, Setup};

/// How long a test waits for what should come soon. Only a failing test ever waits so long.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for a future, but not for ever.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}

/// Makes two tests of each function, one per [`Store`].
#[macro_export]
macro_rules! both_stores {
    ($($(#[$attribute:meta])* async fn $name:ident($store:ident: Store) $body:block)+) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn on($store: $crate::Store) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on($crate::Store::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on($crate::Store::Postgres).await;
            }
        }
    )+};
}

/// Makes a test of each function on SQLite alone, for what no store has a part in, such as what a
/// real model says, and what takes long.
#[macro_export]
macro_rules! one_store {
    ($(async fn $name:ident($store:ident: Store) $body:block)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let $store = $crate::Store::Sqlite;
                $body
            }
        }
    )+};
}
