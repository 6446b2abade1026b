//! What runs reserve of credits and budgets, from their creation to their end.

use runloom_domain::{
    BudgetId, BudgetName, CreditEntryId, CreditTerms, ModelCall, NanoUsd, OrgId, RunId, Timestamp,
};

use super::money::{Amounts, Money};
use super::state::{Run, State};
use crate::{CreateRun, CreditEntry, CreditKind, Held, NewBudget, NewRun, Remaining, RunRecord};

/// All that a run holds.
pub(super) struct Hold {
    /// Credits, when they are needed.
    credits: Option<Held>,
    terms: CreditTerms,
    budgets: Vec<BudgetHold>,
}

/// What a run holds of one budget.
struct BudgetHold {
    budget_id: BudgetId,
    period_start: Timestamp,
    cost: Held,
    tokens: Held,
}

impl State {
    /// What a new run has to hold, or why it can't.
    pub(super) fn plan_hold(&self, new: &NewRun) -> Result<Option<Hold>, CreateRun> {
        let allowance = &new.allowance;
        let own_rule = self.money.metered.get(&new.org_id).copied();
        let metered = own_rule.unwrap_or(allowance.metered);
        let credits = metered
            .then(|| self.money.plan_credits(new.org_id, allowance.credits))
            .transpose()?;
        let budgets = self.money.budgets_for(new, self.root_thread(new));
        let budgets: Vec<BudgetHold> = budgets
            .map(|budget| self.money.plan(budget, new))
            .collect::<Result<_, _>>()?;
        let hold = Hold {
            credits,
            terms: allowance.terms,
            budgets,
        };
        Ok((hold.credits.is_some() || !hold.budgets.is_empty()).then_some(hold))
    }

    pub(super) fn remaining(&mut self, org: OrgId, run: RunId) -> Remaining {
        let Some(calls) = self.run(org, run).map(|run| run.calls.clone()) else {
            return Remaining::default();
        };
        let Some(mut hold) = self.money.holds.remove(&run) else {
            return Remaining::default();
        };
        let mut remaining = Remaining::default();
        if let Some(held) = &mut hold.credits {
            self.money.extend_credits(org, held, hold.terms, &calls);
            remaining.cost = Some(hold.terms.cost_left(held.amount, weighted(&calls)));
        }
        for held in &mut hold.budgets {
            remaining = remaining.and(self.money.extend_budget(held, &calls));
        }
        self.money.holds.insert(run, hold);
        remaining
    }
}

impl Money {
    /// What the run has to hold of the credits: all that it may ever get, or for a beginning as
    /// much as there is.
    fn plan_credits(&self, org: OrgId, held: Held) -> Result<Held, CreateRun> {
        let free = self.of(org).free();
        match held {
            Held { amount: 0, .. } => Ok(held),
            Held { amount, .. } if amount <= free => Ok(held),
            Held { step, .. } if step > 0 && free > 0 => Ok(Held {
                amount: free,
                ..held
            }),
            _ => Err(CreateRun::NoCredit),
        }
    }

    /// What the run has to hold of a budget.
    fn plan(&self, budget: &NewBudget, new: &NewRun) -> Result<BudgetHold, CreateRun> {
        let period_start = budget.period.start(new.created_at);
        let free = self.free(budget, period_start);
        let exhausted = |free: Option<i64>| free.is_some_and(|free| free <= 0);
        if exhausted(free.cost) || exhausted(free.tokens) {
            return Err(CreateRun::NoBudget(BudgetName {
                budget_id: budget.budget_id,
                scope: budget.scope,
                scope_id: budget.scope_id.clone(),
                period: budget.period,
            }));
        }
        let at_most = |held: Held, free: Option<i64>| Held {
            amount: held.amount.min(free.unwrap_or(i64::MAX)),
            ..held
        };
        Ok(BudgetHold {
            budget_id: budget.budget_id,
            period_start,
            cost: at_most(new.allowance.cost, free.cost),
            tokens: at_most(new.allowance.tokens, free.tokens),
        })
    }

    /// What a new run may use in its first step, if it holds as much as that may cost.
    pub(super) fn granted(&self, hold: &Hold) -> Option<Remaining> {
        let mut granted = Remaining::default();
        if let Some(held) = hold.credits {
            granted.cost = Some(hold.terms.cost_left(held.enough_to_begin()?, []));
        }
        for held in &hold.budgets {
            let (cost, tokens) = (held.cost.enough_to_begin()?, held.tokens.enough_to_begin()?);
            let limits = self.budgets.get(&held.budget_id)?.limits;
            granted = granted.and(Remaining {
                cost: limits.max_cost.map(|_| NanoUsd::from_nanos(cost)),
                output_tokens: limits.max_tokens.map(|_| tokens.unsigned_abs()),
            });
        }
        Some(granted)
    }

    /// Writes down what a new run holds.
    pub(super) fn hold(&mut self, org: OrgId, run: RunId, hold: Option<Hold>) {
        let Some(hold) = hold else { return };
        if let Some(held) = hold.credits {
            self.balances.entry(org).or_default().reserved += held.amount;
        }
        for held in &hold.budgets {
            let standing = self.standing(held.budget_id, held.period_start);
            standing.reserved.cost += held.cost.amount;
            standing.reserved.tokens += held.tokens.amount;
        }
        self.holds.insert(run, hold);
    }

    fn extend_credits(
        &mut self,
        org: OrgId,
        held: &mut Held,
        terms: CreditTerms,
        calls: &[ModelCall],
    ) {
        let spent = runloom_domain::credits_for(weighted(calls), terms.rate);
        let balance = self.balances.entry(org).or_default();
        let more = held.wanted(spent).min(balance.free().max(0));
        balance.reserved += more;
        held.amount += more;
    }

    fn extend_budget(&mut self, held: &mut BudgetHold, calls: &[ModelCall]) -> Remaining {
        let Some(budget) = self.budgets.get(&held.budget_id) else {
            return Remaining::default();
        };
        let limits = budget.limits;
        let free = self.free(budget, held.period_start);
        let spent = Amounts::of(calls);
        let more = |held: Held, spent, free: Option<i64>| {
            let free = free.unwrap_or(i64::MAX).max(0);
            held.wanted(spent).min(free)
        };
        let cost = more(held.cost, spent.cost, free.cost);
        let tokens = more(held.tokens, spent.tokens, free.tokens);
        held.cost.amount += cost;
        held.tokens.amount += tokens;
        let standing = self.standing(held.budget_id, held.period_start);
        standing.reserved.cost += cost;
        standing.reserved.tokens += tokens;
        let left = held.cost.left(spent.cost);
        let tokens_left = held.tokens.left(spent.tokens).unsigned_abs();
        Remaining {
            cost: limits.max_cost.map(|_| NanoUsd::from_nanos(left)),
            output_tokens: limits.max_tokens.map(|_| tokens_left),
        }
    }

    /// Gives back what a run held and counts what it took instead.
    pub(super) fn settle(&mut self, run: &RunRecord, credits: i64, at: Timestamp) {
        let Some(hold) = self.holds.remove(&run.run_id) else {
            return;
        };
        if let Some(held) = hold.credits {
            let balance = self.balances.entry(run.org_id).or_default();
            balance.reserved -= held.amount;
            self.enter(
                run.org_id,
                CreditEntry {
                    entry_id: CreditEntryId::from_uuid(run.run_id.as_uuid()),
                    kind: CreditKind::Run,
                    credits: credits.saturating_neg(),
                    run_id: Some(run.run_id),
                    note: None,
                    created_by: None,
                    created_at: at,
                },
            );
        }
        let took = Amounts::from(run.totals);
        for held in hold.budgets {
            if !self.budgets.contains_key(&held.budget_id) {
                continue;
            }
            let standing = self.standing(held.budget_id, held.period_start);
            standing.reserved.cost -= held.cost.amount;
            standing.reserved.tokens -= held.tokens.amount;
            standing.spent = standing.spent.plus(took);
        }
    }
}

fn weighted(calls: &[ModelCall]) -> impl Iterator<Item = (NanoUsd, runloom_domain::Multiplier)> {
    calls.iter().map(|call| (call.cost, call.multiplier))
}

impl Run {
    /// Whether a budget for this counts the run.
    pub(super) fn counts_for(&self, budget: &NewBudget) -> bool {
        use runloom_domain::BudgetScope as Scope;
        let row = &self.row;
        let of = match budget.scope {
            Scope::Organisation => return true,
            Scope::User => Some(row.created_by.to_string()),
            Scope::ApiKey => row.api_key_id.map(|key| key.to_string()),
            Scope::Persona => row.persona_id.split('@').next().map(str::to_owned),
            Scope::Thread => {
                let threads = self.root_thread.into_iter().chain([row.thread_id]);
                let mut ids = threads.map(|thread| thread.to_string());
                return ids.any(|id| budget.scope_id.as_ref() == Some(&id));
            }
        };
        of == budget.scope_id
    }
}
