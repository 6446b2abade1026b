use std::sync::Arc;

use runloom_store::{Hint, Signals};

use crate::fault::{self, Bug};

/// Tells the other nodes, if there are any.
#[derive(Clone)]
pub(crate) struct Teller(Option<Arc<dyn Signals>>);

impl Teller {
    pub(crate) fn new(signals: Option<Arc<dyn Signals>>) -> Self {
        Self(signals)
    }

    /// Whether there is nobody to tell.
    pub(crate) fn is_alone(&self) -> bool {
        self.0.is_none()
    }

    /// Tells hints, as one message where that is possible. Never waits.
    pub(crate) fn tell(&self, hints: &[Hint]) {
        if let Some(signals) = &self.0
            && !hints.is_empty()
            && !fault::planted(Bug::Deaf)
        {
            signals.tell(hints);
        }
    }
}
