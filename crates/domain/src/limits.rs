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
    #[serde(skip_serializing_if = "is::<MAX_IDENTICAL_CALLS>")]
    pub max_identical_calls: u32,
    /// How many generations of child runs there may be below the run that a person started.
    #[serde(skip_serializing_if = "is::<MAX_DEPTH>")]
    pub max_depth: u32,
    /// How many child runs it may spawn in all.
    #[serde(skip_serializing_if = "is::<MAX_CHILDREN>")]
    pub max_children: u32,
}

/// The limit on identical calls unless a persona sets another.
const MAX_IDENTICAL_CALLS: u32 = 10;

/// The limit on generations of child runs unless a persona sets another.
const MAX_DEPTH: u32 = 3;

/// The limit on child runs unless a persona sets another.
const MAX_CHILDREN: u32 = 8;

/// Left out where it is as usual, so that versions that don't know it read the rest.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is<const USUAL: u32>(limit: &u32) -> bool {
    *limit == USUAL
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
            max_depth: MAX_DEPTH,
            max_children: MAX_CHILDREN,
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
    /// How many generations of child runs there may be below the run that a person started.
    /// Default 3.
    pub max_depth: u32,
    /// How many child runs a run may spawn in all. Default 8.
    pub max_children: u32,
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
            max_depth: limits.max_depth,
            max_children: limits.max_children,
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
            max_depth: dollars.max_depth,
            max_children: dollars.max_children,
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
            ..self
        })
    }

    /// Of two limits the tighter one, for each.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            max_steps: tighter(self.max_steps, other.max_steps),
            max_output_tokens: tighter(self.max_output_tokens, other.max_output_tokens),
            max_cost: tighter(self.max_cost, other.max_cost),
            timeout_seconds: tighter(self.timeout_seconds, other.timeout_seconds),
            waiting_seconds: tighter(self.waiting_seconds, other.waiting_seconds),
            max_identical_calls: tighter(self.max_identical_calls, other.max_identical_calls),
            max_depth: tighter(self.max_depth, other.max_depth),
            max_children: tighter(self.max_children, other.max_children),
        }
    }

    /// No limits at all.
    pub const UNLIMITED: Self = Self {
        max_steps: 0,
        max_output_tokens: 0,
        max_cost: NanoUsd::ZERO,
        timeout_seconds: 0,
        waiting_seconds: 0,
        max_identical_calls: 0,
        max_depth: 0,
        max_children: 0,
    };
}

/// Zero is without limit.
fn tighter<T: Copy + Ord + Default>(one: T, other: T) -> T {
    let none = T::default();
    let limited = [one, other].into_iter().filter(|limit| *limit != none);
    limited.min().unwrap_or(none)
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
    fn of_two_limits_the_tighter_one_counts() {
        let limits = |max_steps, max_depth| Limits {
            max_steps,
            max_depth,
            ..Limits::UNLIMITED
        };
        assert_eq!(limits(0, 2).and(limits(7, 3)), limits(7, 2));
        assert_eq!(limits(7, 0).and(Limits::UNLIMITED), limits(7, 0));
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
