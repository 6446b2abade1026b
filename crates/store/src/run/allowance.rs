use runloom_domain::{CreditTerms, NanoUsd};

/// What a run holds of something that its organisation has little of: credits, nano-dollars or
/// tokens. Only the run itself can spend it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How much is reserved for the run, with what it has spent already.
    pub amount: i64,
    /// How much it wants to have before each step; 0 when `amount` is all that it may ever get.
    pub step: i64,
}

impl Held {
    /// How much more has to be reserved, so that a run that has spent so much can take a step.
    pub const fn wanted(self, spent: i64) -> i64 {
        if self.step == 0 {
            return 0;
        }
        let wanted = spent.saturating_add(self.step).saturating_sub(self.amount);
        if wanted > 0 { wanted } else { 0 }
    }

    /// What a run that has spent nothing may spend, if it needs no more for its first step.
    pub fn enough_to_begin(self) -> Option<i64> {
        (self.wanted(0) == 0).then_some(self.amount)
    }

    /// What a run that has spent so much may still spend.
    pub const fn left(self, spent: i64) -> i64 {
        let left = self.amount.saturating_sub(spent);
        if left > 0 { left } else { 0 }
    }
}

/// What a run reserves, as far as its organisation has limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Whether the organisation needs credits, unless it has a rule of its own.
    pub metered: bool,
    /// Credits, of an organisation that needs them.
    pub credits: Held,
    /// Nano-dollars, of each budget that limits cost.
    pub cost: Held,
    /// Tokens of input and output, of each budget that limits tokens.
    pub tokens: Held,
    /// How the run's cost becomes credits.
    pub terms: CreditTerms,
}

/// What a run may still use; what is absent isn't limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Cost.
    pub cost: Option<NanoUsd>,
    /// Tokens. Those of the next call's input count too, so that not all of these are for
    /// its output.
    pub output_tokens: Option<u64>,
}

impl Remaining {
    /// The smaller of both, in each respect.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            cost: smaller(self.cost, other.cost),
            output_tokens: smaller(self.output_tokens, other.output_tokens),
        }
    }
}

fn smaller<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_reserved_beside_what_was_spent() {
        let held = Held {
            amount: 100,
            step: 60,
        };
        assert_eq!(
            [0, 40, 70, 130].map(|spent| held.wanted(spent)),
            [0, 0, 30, 90]
        );
        assert_eq!(
            [0, 99, 100, 130].map(|spent| held.left(spent)),
            [100, 1, 0, 0]
        );
        let whole = Held { step: 0, ..held };
        assert_eq!(whole.wanted(100), 0);
    }

    #[test]
    fn the_tighter_limit_counts() {
        let one = Remaining {
            cost: Some(NanoUsd::from_nanos(5)),
            output_tokens: None,
        };
        let other = Remaining {
            cost: Some(NanoUsd::from_nanos(3)),
            output_tokens: Some(7),
        };
        assert_eq!(one.and(other), other);
        assert_eq!(one.and(Remaining::default()), one);
    }
}
