//! How fast we listen.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A server that never stops talking is listened to at this pace, and its pipe does the rest:
/// it has to wait, and we don't spend a processor on it.
const WINDOW: Duration = Duration::from_millis(100);
const MESSAGES: u32 = 200;
const BYTES: usize = 16 * 1024 * 1024;

/// Counts what one server says.
#[derive(Debug)]
pub(super) struct Pace {
    since: Instant,
    messages: u32,
    bytes: usize,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            messages: 0,
            bytes: 0,
        }
    }

    /// A message of this length has come.
    pub(super) fn heard(&mut self, bytes: usize) {
        if self.since.elapsed() >= WINDOW {
            *self = Self::new();
        }
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Waits until the next one may come. Dropping the future forgets nothing.
    pub(super) async fn ready(&self) {
        if self.messages >= MESSAGES || self.bytes >= BYTES {
            sleep_until(self.since + WINDOW).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_slowed_down_and_talk_is_not() {
        let start = Instant::now();
        let mut pace = Pace::new();
        for _ in 0..MESSAGES {
            pace.ready().await;
            pace.heard(1);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..MESSAGES * 9 {
            pace.ready().await;
            pace.heard(1);
        }
        assert!(start.elapsed() >= WINDOW * 9, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn so_is_a_flood_of_bytes() {
        let start = Instant::now();
        let mut pace = Pace::new();
        for _ in 0..10 {
            pace.ready().await;
            pace.heard(BYTES);
        }
        assert!(start.elapsed() >= WINDOW * 9, "{:?}", start.elapsed());
    }
}
