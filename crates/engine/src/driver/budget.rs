//! What is left for one answer of a model.

use runloom_domain::{Limits, NanoUsd, Prices, RunTotals, TokenBuckets, Usage};
use runloom_store::Remaining;

use crate::port::model::{ModelError, ModelErrorKind};

/// What the run's own limits leave.
pub(super) fn own(limits: &Limits, totals: &RunTotals) -> Remaining {
    let cost = limits.max_cost.as_nanos();
    let left = cost.saturating_sub(totals.cost.as_nanos());
    let tokens = limits.max_output_tokens;
    let used = totals.tokens.output_tokens;
    Remaining {
        cost: (cost != 0).then_some(NanoUsd::from_nanos(left)),
        output_tokens: (tokens != 0).then_some(tokens.saturating_sub(used)),
    }
}

/// The most output tokens that an answer may have, so that the run stays within its `own` limits
/// and within what it is `granted` of the credits and budgets that it shares with others; `None`
/// without a limit, 0 when not even the question can be paid.
///
/// The input of the call is counted by [`Usage::estimated`], since nobody has counted it yet.
pub(super) fn output_tokens(
    own: Remaining,
    granted: Remaining,
    prices: Option<&Prices>,
    input_bytes: usize,
) -> Option<u64> {
    let question = Usage::estimated(input_bytes, 0).tokens;
    let after_question = |tokens: u64| tokens.saturating_sub(question.input_tokens());
    let granted = Remaining {
        output_tokens: granted.output_tokens.map(after_question),
        ..granted
    };
    let left = own.and(granted);
    let affordable = left
        .cost
        .and_then(|cost| affordable(cost, prices?, &question));
    left.output_tokens.into_iter().chain(affordable).min()
}

/// Why an answer has ended that had no more than so many tokens left.
pub(super) fn exhausted(tokens: u64) -> ModelError {
    ModelError::new(
        ModelErrorKind::BudgetExhausted,
        format!("what was left allowed an answer of {tokens} tokens"),
    )
}

/// How many output tokens so much money buys after the question; `None` when they cost nothing.
fn affordable(cost: NanoUsd, prices: &Prices, question: &TokenBuckets) -> Option<u64> {
    let nanos = |money: NanoUsd| i128::from(money.as_nanos());
    let left = nanos(cost) - nanos(prices.cost(question));
    if left <= 0 {
        return Some(0);
    }
    let tokens = (left * 1_000_000).checked_div(nanos(prices.output))?;
    Some(u64::try_from(tokens).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(max_tokens: u64, max_cost: i64, used: u64, cost: i64) -> Option<u64> {
        left_of(Remaining::default(), max_tokens, max_cost, used, cost)
    }

    fn left_of(
        granted: Remaining,
        max_tokens: u64,
        max_cost: i64,
        used: u64,
        cost: i64,
    ) -> Option<u64> {
        let limits = Limits {
            max_output_tokens: max_tokens,
            max_cost: NanoUsd::from_nanos(max_cost),
            ..Limits::default()
        };
        let totals = RunTotals {
            tokens: TokenBuckets {
                output_tokens: used,
                ..TokenBuckets::default()
            },
            cost: NanoUsd::from_nanos(cost),
        };
        // A nano-dollar for a token of input, two for one of output, five for a call.
        let prices = Prices {
            uncached_input: NanoUsd::from_nanos(1_000_000),
            output: NanoUsd::from_nanos(2_000_000),
            request: NanoUsd::from_nanos(5),
            ..Prices::default()
        };
        output_tokens(own(&limits, &totals), granted, Some(&prices), 40)
    }

    #[test]
    fn the_tighter_limit_counts() {
        assert_eq!(left(0, 0, 7, 7), None);
        assert_eq!(left(100, 0, 30, 0), Some(70));
        assert_eq!(left(100, 0, 130, 0), Some(0));
        // 115 less the question's 10 and 5 are 100.
        assert_eq!(left(0, 115, 0, 0), Some(50));
        assert_eq!(left(0, 115, 0, 100), Some(0));
        assert_eq!(left(20, 115, 0, 0), Some(20));
    }

    #[test]
    fn what_is_shared_with_others_counts_the_question() {
        let granted = |tokens, cost: Option<i64>| Remaining {
            cost: cost.map(NanoUsd::from_nanos),
            output_tokens: tokens,
        };
        assert_eq!(left_of(granted(Some(30), None), 0, 0, 0, 0), Some(20));
        assert_eq!(left_of(granted(Some(9), None), 0, 0, 0, 0), Some(0));
        assert_eq!(left_of(granted(None, Some(35)), 0, 115, 0, 0), Some(10));
        assert_eq!(left_of(granted(Some(90), None), 7, 0, 0, 0), Some(7));
    }

    #[test]
    fn what_is_free_is_not_limited_by_its_cost() {
        let limits = Limits {
            max_cost: NanoUsd::from_nanos(5),
            ..Limits::default()
        };
        let totals = RunTotals::default();
        let tokens =
            |prices| output_tokens(own(&limits, &totals), Remaining::default(), prices, 40);
        assert_eq!(tokens(None), None);
        assert_eq!(tokens(Some(&Prices::default())), None);
    }
}
