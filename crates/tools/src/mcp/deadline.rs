use tokio::time::{Instant, sleep_until};

use super::error::McpError;
use super::spec::Limits;

/// When a call has taken too long: without a sign of progress, or in all.
pub(super) struct Deadline {
    limits: Limits,
    idle: Instant,
    hard: Instant,
}

impl Deadline {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            limits,
            idle: now + limits.call,
            hard: now + limits.longest.max(limits.call),
        }
    }

    /// The call has got on.
    pub(super) fn moved(&mut self) {
        self.idle = Instant::now() + self.limits.call;
    }

    /// Waits for it, and says which it was.
    pub(super) async fn over(&self) -> McpError {
        sleep_until(self.idle.min(self.hard)).await;
        if self.hard <= self.idle {
            McpError::Slow(self.limits.longest.max(self.limits.call))
        } else {
            McpError::Idle(self.limits.call)
        }
    }
}
