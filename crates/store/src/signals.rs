//! What the nodes of a deployment tell each other.

mod text;

use async_trait::async_trait;
use runloom_domain::RunId;

pub use text::{decode, encode};

/// A reason to look into the store at once. It says where something may have happened, never
/// what: whoever gets it reads the store, and whoever doesn't looks there by itself a little
/// later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hint {
    /// The run's log reaches at least to this seq.
    Log {
        /// The run.
        run_id: RunId,
        /// The seq of its last event.
        last_seq: u64,
    },
    /// The run's end was asked for.
    Cancel {
        /// The run.
        run_id: RunId,
    },
    /// There may be runs to be claimed.
    Free,
    /// Hints may have been lost.
    Missed,
}

/// Carries hints between nodes.
///
/// Hints may be lost, doubled and reordered. Nothing is, that depends on them: at worst it is
/// late by as long as nodes take to look by themselves.
#[async_trait]
pub trait Signals: Send + Sync + 'static {
    /// Tells the other nodes, as one message where that is possible. Never waits: what can't
    /// be sent now is dropped.
    fn tell(&self, hints: &[Hint]);

    /// How many hints, or messages of them, were dropped since the beginning, on the way out or
    /// in.
    fn dropped(&self) -> u64 {
        0
    }

    /// What the other nodes have told since the last call, as soon as there is something.
    /// Cancel safe; one task calls it.
    async fn heard(&self) -> Vec<Hint>;
}
