use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// Why a connection is of no use any more: the first reason that anybody gave.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault {
    reason: Arc<OnceLock<String>>,
    happened: CancellationToken,
}

impl Fault {
    pub(super) fn set(&self, reason: impl Into<String>) {
        // A later reason follows from the first.
        let _ = self.reason.set(reason.into());
        self.happened.cancel();
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// Waits for the end of the connection.
    pub(super) async fn happened(&self) {
        self.happened.cancelled().await;
    }
}
