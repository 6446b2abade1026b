use serde::{Deserialize, Serialize};

use crate::{Decimal, NanoUsd};

/// How far a run may go. Zero means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Model calls, each with the tools it asks for.
    pub max_steps: u32,
    /// Output tokens of all model calls together.
    pub max_output_tokens: u64,
    /// Cost of all model calls together, in nano-dollars.
    pub max_cost: NanoUsd,
    /// Seconds from the run's start to its end, waiting for people included.
    pub timeout_seconds: u64,
    /// Seconds that one question waits for its answer.
    pub waiting_seconds: u64,
    /// How often the same tool may be called with the same arguments.
    #[serde(skip_serializing_if = "is_usual")]
    pub max_identical_calls: u32,
}

/// The limit on identical calls unless a persona sets another.
const MAX_IDENTICAL_CALLS: u32 = 10;

/// Left out where it is as usual, so that versions that don't know it read the rest.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_usual(max_identical_calls: &u32) -> bool {
    *max_identical_calls == MAX_IDENTICAL_CALLS
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_steps: 32,
            max_output_tokens: 0,
            max_cost: NanoUsd::ZERO,
            timeout_seconds: 0,
            waiting_seconds: 24 * 60 * 60,
            max_identical_calls: MAX_IDENTICAL_CALLS,
        }
    }
}

/// Limits as people write them, with the cost in dollars. Zero means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DollarLimits {
    /// Model calls, each with the tools it asks for. Default 32.
    pub max_steps: u32,
    /// Output tokens of all model calls together. Default 0.
    pub max_output_tokens: u64,
    /// Cost of all model calls together, in dollars. Default 0.
    pub max_cost_usd: Decimal<9>,
    /// Seconds from a run's start to its end, waiting included. Default 0.
    pub timeout_seconds: u64,
    /// Seconds that a question waits for its answer. Default 86,400, a day.
    pub waiting_seconds: u64,
    /// How often the same tool may be called with the same arguments. Default 10.
    pub max_identical_calls: u32,
}

impl Default for DollarLimits {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            max_steps: limits.max_steps,
            max_output_tokens: limits.max_output_tokens,
            max_cost_usd: Decimal::default(),
            timeout_seconds: limits.timeout_seconds,
            waiting_seconds: limits.waiting_seconds,
            max_identical_calls: limits.max_identical_calls,
        }
    }
}

impl From<DollarLimits> for Limits {
    fn from(dollars: DollarLimits) -> Self {
        Self {
            max_steps: dollars.max_steps,
            max_output_tokens: dollars.max_output_tokens,
            max_cost: dollars.max_cost_usd.into(),
            timeout_seconds: dollars.timeout_seconds,
            waiting_seconds: dollars.waiting_seconds,
            max_identical_calls: dollars.max_identical_calls,
        }
    }
}

/// Tighter limits that one run asks for; what is absent stays as the persona has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitOverrides {
    /// See [`Limits::max_steps`].
    pub max_steps: Option<u32>,
    /// See [`Limits::max_output_tokens`].
    pub max_output_tokens: Option<u64>,
    /// See [`Limits::max_cost`].
    pub max_cost: Option<NanoUsd>,
    /// See [`Limits::timeout_seconds`].
    pub timeout_seconds: Option<u64>,
}

/// A run asked for more than its persona allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("limits.{0} is above the persona's limit, or zero")]
pub struct LimitTooLarge(pub &'static str);

fn tighten<T: Copy + PartialOrd + Default>(
    field: &'static str,
    own: T,
    asked: Option<T>,
) -> Result<T, LimitTooLarge> {
    let none = T::default();
    match asked {
        None => Ok(own),
        Some(asked) if asked == none || (own != none && asked > own) => Err(LimitTooLarge(field)),
        Some(asked) => Ok(asked),
    }
}

impl Limits {
    /// These limits, tightened by what a run asks for.
    pub fn tightened(self, by: LimitOverrides) -> Result<Self, LimitTooLarge> {
        Ok(Self {
            max_steps: tighten("max_steps", self.max_steps, by.max_steps)?,
            max_output_tokens: tighten(
                "max_output_tokens",
                self.max_output_tokens,
                by.max_output_tokens,
            )?,
            max_cost: tighten("max_cost_usd", self.max_cost, by.max_cost)?,
            timeout_seconds: tighten("timeout_seconds", self.timeout_seconds, by.timeout_seconds)?,
            waiting_seconds: self.waiting_seconds,
            max_identical_calls: self.max_identical_calls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_in_dollars() {
        let limits = |json: &str| Limits::from(serde_json::from_str::<DollarLimits>(json).unwrap());
        assert_eq!(limits("{}"), Limits::default());
        let written = limits(r#"{"max_cost_usd": "0.25", "max_steps": 0}"#);
        assert_eq!(written.max_cost, NanoUsd::from_nanos(250_000_000));
        assert_eq!(written.max_steps, 0);
    }

    #[test]
    fn a_run_may_only_tighten() {
        let own = Limits {
            max_steps: 5,
            ..Limits::default()
        };
        let ask = |n| LimitOverrides {
            max_steps: Some(n),
            ..LimitOverrides::default()
        };
        assert_eq!(own.tightened(ask(3)).unwrap().max_steps, 3);
        assert_eq!(own.tightened(LimitOverrides::default()).unwrap(), own);
        assert_eq!(own.tightened(ask(6)), Err(LimitTooLarge("max_steps")));
        assert_eq!(own.tightened(ask(0)), Err(LimitTooLarge("max_steps")));
        let unlimited = LimitOverrides {
            timeout_seconds: Some(9),
            ..LimitOverrides::default()
        };
        assert_eq!(own.tightened(unlimited).unwrap().timeout_seconds, 9);
    }
}
