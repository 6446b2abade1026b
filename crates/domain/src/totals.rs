use serde::{Deserialize, Serialize};

use crate::{Multiplier, NanoUsd, TokenBuckets, Usage};

/// One try of a model call as the ledger keeps it: written once, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCall {
    /// The step it belongs to, from 1.
    pub step: u32,
    /// The try within the step, from 1.
    pub attempt: u32,
    /// The route that was called.
    pub route_id: String,
    /// The provider's model name.
    pub model: String,
    /// What it used.
    pub usage: Usage,
    /// Its price by the route's prices as they were when the run started.
    pub cost: NanoUsd,
    /// The route's credit factor, as it was when the run started.
    pub multiplier: Multiplier,
}

/// Sums over a run's model calls, failed and cut ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTotals {
    /// The tokens.
    #[serde(flatten)]
    pub tokens: TokenBuckets,
    /// The cost.
    pub cost: NanoUsd,
}

impl RunTotals {
    /// These totals and one call more.
    #[must_use]
    pub fn plus(self, call: &ModelCall) -> Self {
        Self {
            tokens: self.tokens + call.usage.tokens,
            cost: self.cost + call.cost,
        }
    }
}
