use std::sync::{Arc, OnceLock};

/// Why a connection is of no use any more: the first reason that anybody gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault(Arc<OnceLock<String>>);

impl Fault {
    pub(super) fn set(&self, reason: impl Into<String>) {
        // A later reason follows from the first.
        let _ = self.0.set(reason.into());
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
