use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CredentialId, Decimal, Multiplier, NanoUsd, TokenBuckets};

/// Prices in nano-dollars per million tokens of each bucket, and per call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Per million tokens of input that no cache knew.
    pub uncached_input: NanoUsd,
    /// Per million tokens read from the cache.
    pub cache_read: NanoUsd,
    /// Per million tokens written to the cache.
    pub cache_write: NanoUsd,
    /// Per million tokens of output.
    pub output: NanoUsd,
    /// Per call, whatever it used.
    pub request: NanoUsd,
}

impl Prices {
    /// The price of one call: each bucket by its own price, rounded once, half up.
    pub fn cost(&self, tokens: &TokenBuckets) -> NanoUsd {
        let part = |tokens: u64, price: NanoUsd| i128::from(tokens) * i128::from(price.as_nanos());
        let micro_nanos = part(tokens.uncached_input_tokens, self.uncached_input)
            + part(tokens.cache_read_tokens, self.cache_read)
            + part(tokens.cache_write_tokens, self.cache_write)
            + part(tokens.output_tokens, self.output);
        let nanos = (micro_nanos + 500_000) / 1_000_000 + i128::from(self.request.as_nanos());
        NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

/// Prices as people write them: in dollars per million tokens, as numbers or as strings, at most
/// nine decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DollarPrices {
    /// Input that no cache knew.
    pub input: Decimal<9>,
    /// Input read from the provider's cache; the price of `input` by default.
    pub cache_read: Option<Decimal<9>>,
    /// Input written to the provider's cache; the price of `input` by default.
    pub cache_write: Option<Decimal<9>>,
    /// Output.
    pub output: Decimal<9>,
    /// Dollars per call, whatever it used.
    pub request: Decimal<9>,
}

impl From<DollarPrices> for Prices {
    fn from(dollars: DollarPrices) -> Self {
        Self {
            uncached_input: dollars.input.into(),
            cache_read: dollars.cache_read.unwrap_or(dollars.input).into(),
            cache_write: dollars.cache_write.unwrap_or(dollars.input).into(),
            output: dollars.output.into(),
            request: dollars.request.into(),
        }
    }
}

/// How long a route may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteTimeouts {
    /// From sending the request to the response's headers, in milliseconds.
    pub header_ms: u64,
    /// Between two chunks of the answer, in milliseconds.
    pub idle_ms: u64,
    /// For one try of a model call in all, in milliseconds, however lively it is; 0 is for
    /// ever. It ends what is never silent and never done, so it is far longer than any answer
    /// should take.
    pub total_ms: u64,
}

impl Default for RouteTimeouts {
    fn default() -> Self {
        Self {
            header_ms: 60_000,
            idle_ms: 60_000,
            total_ms: 1_800_000,
        }
    }
}

/// How often and how soon a failed model call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backoff {
    /// Tries of one step's model call in all, the first included.
    pub max_attempts: u32,
    /// The longest wait before the second try, in milliseconds; doubled for each further one.
    pub base_ms: u64,
    /// The longest wait before any try that a provider hasn't asked for, in milliseconds.
    pub cap_ms: u64,
    /// The longest wait that a provider may ask for, in milliseconds; when it asks for more the
    /// call has failed for good.
    pub asked_cap_ms: u64,
    /// Tries that are answered with "too many requests", in all. They say nothing against the
    /// request, so there may be more of them than of the others.
    pub max_rate_limited: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            base_ms: 500,
            cap_ms: 30_000,
            asked_cap_ms: 600_000,
            max_rate_limited: 20,
        }
    }
}

impl Backoff {
    /// The wait after `attempt` failed (from 1): what the provider asked for and up to a tenth
    /// more, so that those who were asked together don't come back together; else a random part
    /// (`entropy` over 2^32) of the doubled base ("full jitter"), never above the cap. `None`
    /// when the provider asks for more than it may.
    pub fn delay(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
        entropy: u32,
    ) -> Option<Duration> {
        if let Some(asked) = retry_after {
            let allowed = asked <= Duration::from_millis(self.asked_cap_ms);
            return allowed
                .then(|| asked + asked.mul_f64(f64::from(entropy) / 2_f64.powi(32) / 10.0));
        }
        let doubled = self
            .base_ms
            .saturating_mul(1 << attempt.saturating_sub(1).min(16));
        let bound = u128::from(doubled.min(self.cap_ms));
        let millis = (bound * (u128::from(entropy) + 1)) >> 32;
        Some(Duration::from_millis(millis as u64))
    }
}

/// How much a route may be used, by all runs of a node together; absent is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// Calls begun in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens of input and output in a minute.
    pub tokens_per_minute: Option<u64>,
    /// Calls under way at once.
    pub concurrency: Option<u32>,
}

/// A way to a model as a run freezes it at its start: enough to call and to price, but no
/// secret; that is looked up when the call is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Its name (platform routes) or UUID (an organisation's own).
    pub route_id: String,
    /// The provider's model name.
    pub model: String,
    /// Which adapter speaks to it, such as `openai_chat` or `scripted`.
    pub kind: String,
    /// The organisation's credential that it is called with; absent for the platform's routes,
    /// whose credential goes by `route_id`.
    #[serde(default)]
    pub credential_id: Option<CredentialId>,
    /// What tokens cost; absent when nobody has said, so that the provider's word counts.
    #[serde(default)]
    pub prices: Option<Prices>,
    /// The credit factor.
    #[serde(default)]
    pub multiplier: Multiplier,
    /// How many tokens of input and output the model takes in all, if that is known.
    #[serde(default)]
    pub context_length: Option<u64>,
    /// The most output tokens that the model may be asked for.
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
    /// How much it may be used.
    #[serde(default)]
    pub rate: RateLimits,
    /// How long it may be silent.
    #[serde(default)]
    pub timeouts: RouteTimeouts,
    /// How it is tried again.
    #[serde(default)]
    pub backoff: Backoff,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_has_its_price() {
        let prices = Prices {
            uncached_input: NanoUsd::from_nanos(3_000_000_000),
            cache_read: NanoUsd::from_nanos(300_000_000),
            cache_write: NanoUsd::from_nanos(3_750_000_000),
            output: NanoUsd::from_nanos(15_000_000_000),
            request: NanoUsd::from_nanos(7),
        };
        let tokens = TokenBuckets {
            uncached_input_tokens: 100,
            cache_read_tokens: 1_000,
            cache_write_tokens: 10,
            output_tokens: 20,
        };
        assert_eq!(
            prices.cost(&tokens).as_nanos(),
            300_000 + 300_000 + 37_500 + 300_000 + 7
        );
        let absurd = TokenBuckets {
            output_tokens: u64::MAX,
            ..tokens
        };
        assert_eq!(prices.cost(&absurd).as_nanos(), i64::MAX);
    }

    #[test]
    fn a_cache_costs_as_much_as_input_unless_it_has_a_price() {
        let prices = |json: &str| Prices::from(serde_json::from_str::<DollarPrices>(json).unwrap());
        let written = prices(r#"{"input": 3, "cache_read": "0.3", "output": 15}"#);
        assert_eq!(
            [
                written.uncached_input,
                written.cache_read,
                written.cache_write,
                written.output
            ],
            [3_000_000_000, 300_000_000, 3_000_000_000, 15_000_000_000].map(NanoUsd::from_nanos)
        );
        assert_eq!(prices("{}"), Prices::default());
    }

    #[test]
    fn waits_double_jitter_and_stop_at_the_cap() {
        let backoff = Backoff {
            max_attempts: 9,
            base_ms: 100,
            cap_ms: 1_000,
            asked_cap_ms: 5_000,
            max_rate_limited: 9,
        };
        let waits = |attempt, asked, entropy| {
            let delay = backoff.delay(attempt, asked, entropy);
            delay.map(|delay| delay.as_millis())
        };
        let longest = |attempt| waits(attempt, None, u32::MAX).unwrap();
        assert_eq!(
            [longest(1), longest(2), longest(3), longest(9)],
            [100, 200, 400, 1_000]
        );
        assert_eq!(waits(1, None, 0), Some(0));
        let asked = |millis| Some(Duration::from_millis(millis));
        assert_eq!(waits(1, asked(3_000), 0), Some(3_000));
        assert_eq!(waits(1, asked(3_000), u32::MAX), Some(3_300));
        assert_eq!(waits(1, asked(5_001), 0), None);
    }
}
