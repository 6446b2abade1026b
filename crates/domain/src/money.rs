use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};

/// An amount in billionths of a US dollar. Sums saturate: a provider's absurd figure may be
/// wrong, but it must not wrap round to a small one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NanoUsd(i64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From billionths of a dollar.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Billionths of a dollar.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// From dollars as a person writes them; `None` when negative, not finite or too large.
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let nanos = (dollars * 1e9).round();
        // 2^63 as a float: the first value that an i64 can't hold.
        (0.0..9.223_372_036_854_776e18)
            .contains(&nanos)
            .then_some(Self(nanos as i64))
    }

    /// Dollars, for showing in JSON only.
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// A factor in thousandths, so that credits stay in whole numbers; 1.0 by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Multiplier(u32);

impl Multiplier {
    /// From thousandths.
    pub const fn from_thousandths(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// Thousandths.
    pub const fn as_thousandths(self) -> u32 {
        self.0
    }
}

impl Default for Multiplier {
    fn default() -> Self {
        Self(1_000)
    }
}

/// Credits per US dollar; 1,000 by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CreditRate(pub u32);

impl Default for CreditRate {
    fn default() -> Self {
        Self(1_000)
    }
}

/// The credits of a run: `ceil(Σ cost × rate × multiplier of its route)`, at least 1 for a
/// run that cost anything, 0 for one that cost nothing.
pub fn credits_for(
    calls: impl IntoIterator<Item = (NanoUsd, Multiplier)>,
    rate: CreditRate,
) -> i64 {
    let (mut weighted, mut cost_anything) = (0_i128, false);
    for (cost, multiplier) in calls {
        cost_anything |= cost.0 > 0;
        weighted += i128::from(cost.0.max(0)) * i128::from(multiplier.0);
    }
    // Nano-dollars and thousandths are divided out together, so only one rounding happens.
    let credits = (weighted * i128::from(rate.0) + 999_999_999_999) / 1_000_000_000_000;
    i64::try_from(credits)
        .unwrap_or(i64::MAX)
        .max(i64::from(cost_anything))
}

/// How a run's cost becomes credits: its organisation's rate, and the largest factor among its
/// routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreditTerms {
    /// Credits per dollar.
    pub rate: CreditRate,
    /// The credit factor.
    pub multiplier: Multiplier,
}

impl CreditTerms {
    /// The most that further calls may cost so that all calls together come to no more than
    /// `credits`. As much as there is when cost makes no credits.
    pub fn cost_left(
        self,
        credits: i64,
        calls: impl IntoIterator<Item = (NanoUsd, Multiplier)>,
    ) -> NanoUsd {
        let rate = i128::from(self.rate.0);
        let spent = calls.into_iter().map(|(cost, multiplier)| {
            (i128::from(cost.0.max(0)) * i128::from(multiplier.0)).saturating_mul(rate)
        });
        let spent = spent.fold(0_i128, i128::saturating_add);
        let left = (i128::from(credits) * 1_000_000_000_000).saturating_sub(spent);
        let per_nano = rate * i128::from(self.multiplier.0);
        let cost = match per_nano {
            _ if left <= 0 => 0,
            0 => i128::MAX,
            per_nano => left / per_nano,
        };
        NanoUsd(i64::try_from(cost).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credits(costs: &[(i64, u32)]) -> i64 {
        let calls = costs.iter().map(|&(c, m)| (NanoUsd(c), Multiplier(m)));
        credits_for(calls, CreditRate::default())
    }

    #[test]
    fn credits_round_up_once() {
        assert_eq!(credits(&[]), 0);
        assert_eq!(credits(&[(0, 1_000)]), 0);
        assert_eq!(credits(&[(1, 1_000)]), 1);
        assert_eq!(credits(&[(1, 0)]), 1);
        assert_eq!(credits(&[(1_000_000, 1_000)]), 1);
        assert_eq!(credits(&[(500_000, 1_000), (500_000, 1_000)]), 1);
        assert_eq!(credits(&[(1_000_001, 1_000)]), 2);
        assert_eq!(credits(&[(1_000_000, 1_500)]), 2);
        assert_eq!(credits(&[(i64::MAX, u32::MAX)]), i64::MAX);
    }

    #[test]
    fn what_is_left_comes_to_no_more_credits() {
        let terms = |rate, multiplier| CreditTerms {
            rate: CreditRate(rate),
            multiplier: Multiplier(multiplier),
        };
        let left = |terms: CreditTerms, credits, calls: &[(i64, u32)]| {
            let calls = calls.iter().map(|&(c, m)| (NanoUsd(c), Multiplier(m)));
            terms.cost_left(credits, calls).0
        };
        // A thousandth of a dollar is a credit.
        assert_eq!(left(terms(1_000, 1_000), 10, &[]), 10_000_000);
        assert_eq!(left(terms(1_000, 1_500), 10, &[]), 6_666_666);
        assert_eq!(
            left(terms(1_000, 1_000), 10, &[(9_500_000, 1_000)]),
            500_000
        );
        assert_eq!(
            left(terms(1_000, 1_000), 10, &[(4_000_000, 2_000)]),
            2_000_000
        );
        assert_eq!(left(terms(1_000, 1_000), 10, &[(10_000_001, 1_000)]), 0);
        assert_eq!(left(terms(0, 1_000), 10, &[]), i64::MAX);
        assert_eq!(left(terms(1_000, 1_000), 0, &[]), 0);
        assert_eq!(left(terms(1_000, 1_000), 10, &[(i64::MAX, u32::MAX)]), 0);
        let rest = NanoUsd(left(terms(1_000, 1_500), 10, &[(1, 1_500)]));
        let all = [(NanoUsd(1), Multiplier(1_500)), (rest, Multiplier(1_500))];
        assert_eq!(credits_for(all, CreditRate(1_000)), 10);
    }

    #[test]
    fn dollars_become_nanos() {
        assert_eq!(NanoUsd::from_dollars(2.5), Some(NanoUsd(2_500_000_000)));
        assert_eq!(NanoUsd::from_dollars(-1.0), None);
        assert_eq!(NanoUsd::from_dollars(f64::NAN), None);
        assert_eq!(NanoUsd::from_dollars(1e300), None);
    }
}
