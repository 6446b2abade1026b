//! When a server that failed is tried again.

use std::time::Duration;

use tokio::time::Instant;

const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_mins(1);

/// A connection that lasted this long was a good one.
const GOOD: Duration = Duration::from_mins(1);

/// How often a server has failed lately, and what that means.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    again: Option<Instant>,
}

impl Backoff {
    /// It failed, after having been there for so long. `random` is evenly between 0 and 1.
    pub(super) fn failed(&mut self, lasted: Duration, random: f64) {
        if lasted >= GOOD {
            self.failures = 0;
        }
        let most = SHORTEST
            .saturating_mul(1 << self.failures.min(10))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // Anywhere below the bound, so that nodes which lost it together don't come together.
        self.again = Some(Instant::now() + most.mul_f64(random.clamp(0.0, 1.0)));
    }

    /// How long to wait before it is tried again.
    pub(super) fn wait(&self) -> Duration {
        let again = self.again;
        again.map_or(Duration::ZERO, |again| {
            again.saturating_duration_since(Instant::now())
        })
    }
}

/// Evenly between 0 and 1. Without randomness, the middle does.
pub(super) fn random() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_a_minute_and_a_good_connection_ends_that() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.wait(), Duration::ZERO);
        let mut waits = Vec::new();
        for _ in 0..10 {
            backoff.failed(Duration::ZERO, 1.0);
            waits.push(backoff.wait().as_millis());
        }
        assert_eq!(waits[..4], [500, 1_000, 2_000, 4_000]);
        assert_eq!(waits[8..], [60_000, 60_000]);
        backoff.failed(GOOD, 1.0);
        assert_eq!(backoff.wait(), SHORTEST);
        backoff.failed(Duration::ZERO, 0.5);
        assert_eq!(backoff.wait(), SHORTEST);
    }
}
