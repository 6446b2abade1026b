//! What a credential's provider can take, as it lets us know.

use std::time::Duration;

use tokio::time::Instant;

use super::line::{Pass, State};
use crate::port::model::{ModelError, ModelErrorKind};

/// Failures in a row after which a credential rests.
const FAILURES: u32 = 5;

/// How long it rests at first; doubled each time that the first call afterwards fails too.
const REST: Duration = Duration::from_secs(10);

/// How long it rests at most.
const LONGEST_REST: Duration = Duration::from_mins(1);

/// How long nobody calls after "too many requests" without a time.
const PAUSE: Duration = Duration::from_secs(1);

/// A window so wide limits nothing any more.
const WIDE: u32 = 1_024;

/// The state of a credential. How many calls may be under way is found out as networks find out
/// what a line takes (slow start and congestion avoidance, RFC 5681): after the first "too many
/// requests" one call at a time, then one more for each that is taken up to half of what was too
/// much, and from there on one more for each window.
#[derive(Debug, Default)]
pub(super) struct Credential {
    under_way: u32,
    /// The most calls under way; none as long as nobody complained.
    window: Option<Window>,
    /// Until when nobody calls.
    closed_until: Option<Instant>,
    /// Calls in a row that failed because the provider isn't well.
    failures: u32,
    /// Rests in a row.
    rests: u32,
    /// Until when calls fail at once.
    resting_until: Option<Instant>,
}

impl Credential {
    pub(super) fn accepted(&mut self, _now: Instant) {
        (self.failures, self.rests, self.resting_until) = (0, 0, None);
        self.window = self.window.map(Window::wider).filter(|w| w.calls < WIDE);
    }

    pub(super) fn refused(&mut self, error: &ModelError, now: Instant) {
        match error.kind {
            ModelErrorKind::RateLimited => self.slow_down(error.retry_after, now),
            ModelErrorKind::Unavailable | ModelErrorKind::Timeout => self.has_failed(now),
            // The others say something of the request, not of the provider.
            _ => {}
        }
    }

    fn slow_down(&mut self, asked: Option<Duration>, now: Instant) {
        let until = now + asked.unwrap_or(PAUSE);
        // Those who were under way together complain together: that counts once.
        if self.closed_until.is_none_or(|closed| closed <= now) {
            let half = self.under_way / 2;
            self.window = Some(match self.window {
                None => Window::starting(half),
                Some(window) => Window::after(window.calls.min(self.under_way) / 2),
            });
        }
        self.closed_until = self.closed_until.max(Some(until));
    }

    fn has_failed(&mut self, now: Instant) {
        self.failures += 1;
        if self.failures < FAILURES {
            return;
        }
        // The first one after a rest decides alone.
        self.failures = FAILURES - 1;
        let rest = REST * (1 << self.rests.min(8));
        self.rests += 1;
        self.resting_until = Some(now + rest.min(LONGEST_REST));
        self.window = Some(Window::starting(self.window.map_or(WIDE, |w| w.calls)));
    }
}

/// How many calls may be under way.
#[derive(Clone, Copy, Debug)]
struct Window {
    calls: u32,
    /// Up to here it widens quickly.
    quick_until: u32,
    /// Calls taken since it widened last.
    taken: u32,
}

impl Window {
    const fn starting(quick_until: u32) -> Self {
        Self {
            calls: 1,
            quick_until,
            taken: 0,
        }
    }

    fn after(half: u32) -> Self {
        Self {
            calls: half.max(1),
            quick_until: half,
            taken: 0,
        }
    }

    fn wider(mut self) -> Self {
        self.taken += 1;
        if self.calls < self.quick_until || self.taken >= self.calls {
            self.calls += 1;
            self.taken = 0;
        }
        self
    }
}

impl State for Credential {
    type Wanted = ();

    fn pass(&mut self, (): &(), now: Instant) -> Pass {
        if let Some(until) = self.resting_until.filter(|until| *until > now) {
            let mut error = ModelError::new(
                ModelErrorKind::Resting,
                "the provider has failed several times in a row and isn't called for a moment",
            );
            error.retry_after = Some(until - now);
            return Pass::No(error);
        }
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Pass::At(until);
        }
        if self
            .window
            .is_some_and(|window| self.under_way >= window.calls)
        {
            return Pass::Later;
        }
        self.under_way += 1;
        Pass::Yes
    }

    fn leave(&mut self, _now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}
