use std::sync::{Arc, Mutex, PoisonError};

use async_nats::Event;
use tokio::sync::Notify;

/// What happens to the connection: told to the log, and to whoever may have missed messages.
pub(super) struct Events {
    gap: Arc<Notify>,
    /// What was last said to be wrong. Tries go on every second; the log hears of each reason
    /// once.
    trouble: Mutex<Option<String>>,
}

impl Events {
    pub(super) fn new(gap: Arc<Notify>) -> Self {
        let trouble = Mutex::new(None);
        Self { gap, trouble }
    }

    pub(super) fn take(&self, event: &Event) {
        match event {
            Event::Connected => {
                *self.trouble() = None;
                tracing::info!("connected to NATS");
                self.gap.notify_one();
            }
            Event::SlowConsumer(_) => self.gap.notify_one(),
            Event::Disconnected => tracing::warn!("the connection to NATS is broken"),
            Event::ServerError(error) => self.complain(error.to_string()),
            Event::ClientError(error) => self.complain(error.to_string()),
            Event::LameDuckMode | Event::Draining | Event::Closed => {}
        }
    }

    fn complain(&self, error: String) {
        let mut trouble = self.trouble();
        if trouble.as_ref() != Some(&error) {
            tracing::warn!(%error, "NATS can't be used");
            *trouble = Some(error);
        }
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
