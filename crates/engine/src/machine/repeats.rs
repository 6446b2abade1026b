use std::collections::BTreeMap;
use std::sync::Arc;

use runloom_domain::arguments_digest;
use serde_json::{Value, json};

/// How often a run has made the same tool call. Shared between copies of a state, since most
/// decisions count nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeats(Arc<BTreeMap<String, u32>>);

impl Repeats {
    /// Counts a call.
    pub(super) fn count(&mut self, name: &str, arguments: &Value) {
        let times = Arc::make_mut(&mut self.0);
        *times.entry(key(name, arguments)).or_default() += 1;
    }

    /// How often it was counted.
    pub(super) fn of(&self, name: &str, arguments: &Value) -> u32 {
        self.0.get(&key(name, arguments)).copied().unwrap_or(0)
    }
}

/// Arguments that mean the same are the same.
fn key(name: &str, arguments: &Value) -> String {
    arguments_digest(&json!([name, arguments]))
}
