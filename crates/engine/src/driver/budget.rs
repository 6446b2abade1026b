//! What is left for one answer of a model.

use runloom_domain::{Limits, NanoUsd, Prices, RunTotals, Usage};

use crate::port::model::{ModelError, ModelErrorKind};

/// The most output tokens that an answer may have, so that the run stays within its limits;
/// `None` without a limit, 0 when not even the question can be paid.
///
/// The input of the call is counted by [`Usage::estimated`], since nobody has counted it yet.
pub(super) fn output_tokens(
    limits: &Limits,
    totals: &RunTotals,
    prices: Option<&Prices>,
    input_bytes: usize,
) -> Option<u64> {
    let by_tokens = (limits.max_output_tokens != 0).then(|| {
        let used = totals.tokens.output_tokens;
        limits.max_output_tokens.saturating_sub(used)
    });
    let by_cost = (limits.max_cost.as_nanos() != 0)
        .then_some(())
        .and_then(|()| affordable(limits, totals, prices?, input_bytes));
    by_tokens.into_iter().chain(by_cost).min()
}

/// Why an answer has ended that had no more than so many tokens left.
pub(super) fn exhausted(tokens: u64) -> ModelError {
    ModelError::new(
        ModelErrorKind::BudgetExhausted,
        format!("what was left allowed an answer of {tokens} tokens"),
    )
}

/// How many output tokens the rest of the cost limit buys; `None` when they cost nothing.
fn affordable(
    limits: &Limits,
    totals: &RunTotals,
    prices: &Prices,
    input_bytes: usize,
) -> Option<u64> {
    let question = prices.cost(&Usage::estimated(input_bytes, 0).tokens);
    let nanos = |money: NanoUsd| i128::from(money.as_nanos());
    let left = nanos(limits.max_cost) - nanos(totals.cost) - nanos(question);
    if left <= 0 {
        return Some(0);
    }
    let price = nanos(prices.output);
    let tokens = (left * 1_000_000).checked_div(price)?;
    Some(u64::try_from(tokens).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use runloom_domain::{NanoUsd, TokenBuckets};

    use super::*;

    fn left(max_tokens: u64, max_cost: i64, used: u64, cost: i64) -> Option<u64> {
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
        output_tokens(&limits, &totals, Some(&prices), 40)
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
    fn what_is_free_is_not_limited_by_its_cost() {
        let limits = Limits {
            max_cost: NanoUsd::from_nanos(5),
            ..Limits::default()
        };
        let totals = RunTotals::default();
        assert_eq!(output_tokens(&limits, &totals, None, 40), None);
        let free = Prices::default();
        assert_eq!(output_tokens(&limits, &totals, Some(&free), 40), None);
    }
}
