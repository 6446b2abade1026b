use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Answer, ModelCall, NanoUsd, RunId, RunSpec, ToolCallId};

/// What a run gives of its own limits to one that it spawns, or what that one has used of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunShare {
    /// Cost.
    pub cost: NanoUsd,
    /// Output tokens.
    pub output_tokens: u64,
}

impl std::ops::Add for RunShare {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cost: self.cost + other.cost,
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

/// A child run that has ended, with all that descends from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledRun {
    /// The child.
    pub run_id: RunId,
    /// What it has used, with all that descends from it.
    pub used: RunShare,
}

/// What only the engine reads of an event. Never served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventPrivate {
    /// Of `run.started` and `run.queued`: the frozen configuration.
    Spec {
        /// It.
        spec: Box<RunSpec>,
    },
    /// Of `step.completed`, `step.retried` and terminal events: the ledger row of the model
    /// call that ended with this event.
    Call {
        /// The ledger row.
        call: ModelCall,
        /// What the provider wants back in a tool loop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<Value>,
        /// The provider's own ids of the tool calls.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        provider_call_ids: BTreeMap<ToolCallId, String>,
    },
    /// Of `history.summarised`: the ledger row of the call, and its text.
    Summary {
        /// The ledger row.
        call: ModelCall,
        /// The summary.
        text: String,
    },
    /// Of `run.input_received`: the whole answer.
    Answer {
        /// It.
        answer: Answer,
    },
    /// Of `tool.paused`: what the tool asks.
    Question {
        /// What to show.
        prompt: String,
        /// JSON schema of the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<Value>,
        /// What the tool wants back.
        state: Value,
    },
    /// Of `tool.started`: a child run is about to be spawned.
    Spawn {
        /// What the model calls it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// What it may use; zero is without limit.
        share: RunShare,
    },
    /// Of `tool.result`: child runs that are found to have ended.
    Settled {
        /// They.
        runs: Vec<SettledRun>,
    },
    /// Written by another version.
    #[serde(other)]
    Unknown,
}

impl EventPrivate {
    pub(super) fn to_json(&self) -> String {
        // Plain structs with string keys: the encoder has nothing to fail on.
        serde_json::to_string(self).expect("private payload encodes to JSON")
    }

    pub(super) fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
