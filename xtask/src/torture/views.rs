//! The other two views: the ledgers of what happened outside, and the database.

use super::seen::Seen;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that the checker compares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Views {
    pub(crate) seen: Seen,
    pub(crate) calls: Vec<ProviderCall>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) runs: BTreeMap<String, Run>,
    pub(crate) threads: BTreeMap<String, Vec<Message>>,
    /// When something was broken, from and until, in milliseconds since the driver's start.
    pub(crate) faults: Vec<(u64, u64)>,
    /// Lines of the servers' logs that must never be there.
    pub(crate) bad_log_lines: Vec<String>,
}

impl Views {
    /// Whether nothing was broken in this time.
    pub(crate) fn is_calm(&self, from_ms: u64, until_ms: u64) -> bool {
        let overlaps = |fault: &(u64, u64)| fault.0 <= until_ms && fault.1 >= from_ms;
        !self.faults.iter().any(overlaps)
    }
}

/// A model call as the provider saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ProviderCall {
    /// Its number among all calls, which is also the output that it reports.
    pub(crate) number: u64,
    /// The name of the run, as in its input.
    pub(crate) name: String,
    /// From 1, counted from the history that was sent.
    pub(crate) step: u64,
    pub(crate) at_ms: u64,
    /// Deltas that were sent.
    pub(crate) deltas: u64,
    /// Whether the usage was sent, which is the last thing before the end.
    pub(crate) reported: bool,
    /// Whether the other end closed the connection first.
    pub(crate) hung_up: bool,
    /// What a provider would refuse in the history.
    pub(crate) bad_history: Option<String>,
}

/// A line of a tool's ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Effect {
    pub(crate) run: String,
    pub(crate) tool_call_id: String,
    pub(crate) node: usize,
    /// When the driver found it, at most a tenth of a second late.
    pub(crate) seen_ms: u64,
}

/// A run in the database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// As in its input; absent when it has none.
    pub(crate) name: Option<String>,
    pub(crate) status: String,
    pub(crate) last_seq: u64,
    pub(crate) owned: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) calls: Vec<ModelCall>,
    pub(crate) totals: Totals,
    pub(crate) credits: Option<i64>,
}

/// An event in the database.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) kind: String,
    pub(crate) data: Value,
    pub(crate) private: Option<Value>,
    /// As clients get it.
    pub(crate) line: String,
}

impl Event {
    /// A text of the data; empty when there is none of this name.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.data[name].as_str().unwrap_or_default()
    }

    /// A number of the data; 0 when there is none of this name.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.data[name].as_u64().unwrap_or_default()
    }

    pub(crate) fn is_terminal(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "run.completed" | "run.failed" | "run.cancelled"
        )
    }
}

/// Sums of tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) input: i64,
    pub(crate) output: i64,
    pub(crate) cost_nanos: i64,
}

/// A row of the database's ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModelCall {
    pub(crate) step: u64,
    pub(crate) attempt: u64,
    pub(crate) reported: bool,
    pub(crate) totals: Totals,
}

/// A message of a thread, in the order of the positions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) position: u64,
    pub(crate) run: Option<String>,
    pub(crate) role: String,
    pub(crate) content: String,
    /// Ids of the calls that an assistant's message asks for.
    pub(crate) calls: Vec<String>,
    /// The call that a tool's message answers.
    pub(crate) tool_call_id: Option<String>,
}
