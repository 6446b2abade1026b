use std::ops::Add;

use serde::{Deserialize, Serialize};

/// Tokens of a model call in four disjoint buckets: no token is counted in two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenBuckets {
    /// Input that the provider neither read from nor wrote to a cache.
    pub uncached_input_tokens: u64,
    /// Input read from the provider's cache.
    pub cache_read_tokens: u64,
    /// Input written to the provider's cache.
    pub cache_write_tokens: u64,
    /// Output, reasoning included.
    pub output_tokens: u64,
}

impl TokenBuckets {
    /// All input: the three input buckets.
    pub const fn input_tokens(&self) -> u64 {
        self.uncached_input_tokens
            .saturating_add(self.cache_read_tokens)
            .saturating_add(self.cache_write_tokens)
    }

    /// Cache read over all input, `None` when there was no input.
    pub fn cache_hit_rate(&self) -> Option<f64> {
        let input = self.input_tokens();
        (input > 0).then(|| self.cache_read_tokens as f64 / input as f64)
    }
}

impl Add for TokenBuckets {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            uncached_input_tokens: self
                .uncached_input_tokens
                .saturating_add(other.uncached_input_tokens),
            cache_read_tokens: self
                .cache_read_tokens
                .saturating_add(other.cache_read_tokens),
            cache_write_tokens: self
                .cache_write_tokens
                .saturating_add(other.cache_write_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

/// Where usage figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider said so.
    Reported,
    /// Counted by our estimate, because the provider said nothing or nothing credible.
    Estimated,
}

impl UsageSource {
    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
        }
    }
}

/// What one model call used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The tokens.
    #[serde(flatten)]
    pub tokens: TokenBuckets,
    /// Who counted them.
    pub source: UsageSource,
}

impl Usage {
    /// Figures beyond this are taken for a provider's mistake: no model reads or writes a
    /// hundred million tokens in one call.
    const CREDIBLE: u64 = 100_000_000;

    /// Usage as the provider reported it, or `None` when it isn't credible.
    pub fn reported(tokens: TokenBuckets) -> Option<Self> {
        let credible =
            tokens.input_tokens() <= Self::CREDIBLE && tokens.output_tokens <= Self::CREDIBLE;
        credible.then_some(Self {
            tokens,
            source: UsageSource::Reported,
        })
    }

    /// An estimate from the sizes of what was sent and received: one token for each four
    /// bytes of UTF-8, rounded up. Four is the usual rule of thumb for English text; it errs
    /// towards too many tokens for other scripts.
    pub const fn estimated(input_bytes: usize, output_bytes: usize) -> Self {
        let tokens = TokenBuckets {
            uncached_input_tokens: (input_bytes as u64).div_ceil(4),
            cache_read_tokens: 0,
            cache_write_tokens: 0,
            output_tokens: (output_bytes as u64).div_ceil(4),
        };
        Self {
            tokens,
            source: UsageSource::Estimated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hit_rate_is_of_all_input() {
        let tokens = TokenBuckets {
            uncached_input_tokens: 25,
            cache_read_tokens: 50,
            cache_write_tokens: 25,
            output_tokens: 7,
        };
        assert_eq!(tokens.input_tokens(), 100);
        assert_eq!(tokens.cache_hit_rate(), Some(0.5));
        assert_eq!(TokenBuckets::default().cache_hit_rate(), None);
    }

    #[test]
    fn absurd_reports_are_not_believed() {
        let tokens = TokenBuckets {
            output_tokens: u64::MAX,
            ..TokenBuckets::default()
        };
        assert_eq!(Usage::reported(tokens), None);
    }
}
