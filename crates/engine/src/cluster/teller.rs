use std::sync::Arc;

use runloom_store::{Hint, Signals};

use crate::fault::{self, Bug};
use crate::metrics::Metrics;

/// Tells the other nodes, if there are any.
#[derive(Clone)]
pub(crate) struct Teller {
    signals: Option<Arc<dyn Signals>>,
    metrics: Arc<Metrics>,
}

impl Teller {
    pub(crate) fn new(signals: Option<Arc<dyn Signals>>, metrics: Arc<Metrics>) -> Self {
        Self { signals, metrics }
    }

    /// Whether there is nobody to tell.
    pub(crate) fn is_alone(&self) -> bool {
        self.signals.is_none()
    }

    /// Tells hints, as one message where that is possible. Never waits.
    pub(crate) fn tell(&self, hints: &[Hint]) {
        if let Some(signals) = &self.signals
            && !hints.is_empty()
            && !fault::planted(Bug::Deaf)
        {
            self.metrics.node.hints_sent.inc_by(hints.len() as u64);
            signals.tell(hints);
        }
    }
}
