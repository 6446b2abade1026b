//! Until when something must happen to a run, whatever it waits for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runloom_domain::RouteTimeouts;
use tokio::time::Instant;

/// The latest moment at which a waiting driver goes on. A driver sets it, the node's watchdog
/// looks at it; `None` while the driver doesn't wait, or waits for something without a limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound(Arc<Mutex<Option<Instant>>>);

impl Bound {
    pub(super) fn set(&self, latest: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = latest;
    }

    /// Whether the driver should have gone on by now.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        let latest = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        latest.is_some_and(|latest| latest < now)
    }
}

/// How long a model may be silent before its adapter notices; `None` if it may for ever.
pub(super) fn silence(timeouts: &RouteTimeouts) -> Option<Duration> {
    let RouteTimeouts {
        header_ms, idle_ms, ..
    } = *timeouts;
    (header_ms != 0 && idle_ms != 0).then(|| Duration::from_millis(header_ms + idle_ms))
}
