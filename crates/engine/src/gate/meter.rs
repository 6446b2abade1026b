//! A route's own limits.

use std::collections::VecDeque;
use std::time::Duration;

use runloom_domain::RateLimits;
use tokio::time::Instant;

use super::line::{Pass, State};

const MINUTE: Duration = Duration::from_mins(1);

/// What a call asks of its route.
pub(super) struct Wanted {
    /// The limits as the run froze them: each run keeps those that it began with.
    pub(super) rate: RateLimits,
    /// About how many tokens are sent.
    pub(super) input_tokens: u64,
}

/// The last minute of a route. Exact over any minute, where a bucket that is refilled lets pass
/// up to twice as much in its first.
#[derive(Default)]
pub(super) struct Meter {
    under_way: u32,
    calls: VecDeque<Instant>,
    tokens: VecDeque<(Instant, u64)>,
    /// The sum of them, so that a call costs the same however many came before it.
    tokens_in_all: u128,
}

impl Meter {
    /// So many tokens came back.
    pub(super) fn used(&mut self, tokens: u64, now: Instant) {
        self.tokens.push_back((now, tokens));
        self.tokens_in_all += u128::from(tokens);
    }

    fn forget(&mut self, now: Instant) {
        let is_over = |at: &Instant| now.duration_since(*at) >= MINUTE;
        while self.calls.front().is_some_and(is_over) {
            self.calls.pop_front();
        }
        while self.tokens.front().is_some_and(|(at, _)| is_over(at)) {
            let tokens = self.tokens.pop_front().map_or(0, |(_, tokens)| tokens);
            self.tokens_in_all -= u128::from(tokens);
        }
    }

    /// When there is room for one more call.
    fn calls_until(&self, most: Option<u32>) -> Option<Instant> {
        let over = (self.calls.len() + 1).checked_sub(most? as usize)?;
        // With a limit of 0 nothing passes; the first call's minute is then asked for in vain.
        (over > 0).then(|| self.calls.get(over - 1).map(|at| *at + MINUTE))?
    }

    /// When enough tokens are a minute ago. A call that is larger than the limit passes when
    /// nothing else was used.
    fn tokens_until(&self, wanted: &Wanted) -> Option<Instant> {
        let most = u128::from(wanted.rate.tokens_per_minute?);
        let mut used = self.tokens_in_all;
        let fits = |used: u128| used == 0 || used + u128::from(wanted.input_tokens) <= most;
        let mut until = None;
        for (at, tokens) in &self.tokens {
            if fits(used) {
                break;
            }
            used -= u128::from(*tokens);
            until = Some(*at + MINUTE);
        }
        until
    }
}

impl State for Meter {
    type Wanted = Wanted;

    fn pass(&mut self, wanted: &Wanted, now: Instant) -> Pass {
        self.forget(now);
        let RateLimits {
            requests_per_minute,
            concurrency,
            ..
        } = wanted.rate;
        if concurrency.is_some_and(|most| self.under_way >= most.max(1)) {
            return Pass::Later;
        }
        let calls = self.calls_until(requests_per_minute.map(|most| most.max(1)));
        if let Some(at) = calls.max(self.tokens_until(wanted)) {
            return Pass::At(at);
        }
        self.under_way += 1;
        if requests_per_minute.is_some() {
            self.calls.push_back(now);
        }
        if wanted.rate.tokens_per_minute.is_some() {
            self.used(wanted.input_tokens, now);
        }
        Pass::Yes
    }

    fn leave(&mut self, _now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}
