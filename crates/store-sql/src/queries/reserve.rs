//! What a new run reserves of credits and budgets.
//!
//! Rows are locked in one order here and in the other transactions: threads, holds, balances,
//! budgets, each by key.

use diesel::prelude::*;
use runloom_domain::{NanoUsd, OrgId, RunId, ThreadId, Timestamp};
use runloom_store::{Allowance, CreateRun, Held, NewRun, Remaining, StoreError};

use super::{Conn, RunQueryDsl, dialect};
use crate::failure::Failure;
use crate::rows::money::{BudgetHoldRow, BudgetRow, CreditHoldRow, SpendRow};
use crate::schema::{budget_spend, budgets, credit_holds, org_balances, orgs};
use crate::types::{At, Id};

/// What is to be known of a new run; a [`NewRun`] itself can't be shared between threads.
pub(crate) struct Wish {
    org: OrgId,
    run: RunId,
    at: Timestamp,
    allowance: Allowance,
    scopes: Vec<(&'static str, String)>,
}

impl Wish {
    /// `root` is the thread in whose budgets a child counts besides its own.
    pub(crate) fn of(new: &NewRun, root: Option<ThreadId>) -> Self {
        let scopes = new.budget_scopes(root).into_iter();
        Self {
            org: new.org_id,
            run: new.run_id,
            at: new.created_at,
            allowance: new.allowance,
            scopes: scopes.map(|(scope, id)| (scope.as_str(), id)).collect(),
        }
    }
}

/// What limits a new run.
pub(crate) struct Limits {
    metered: bool,
    /// In the order of their ids.
    budgets: Vec<BudgetRow>,
}

impl Limits {
    /// Whether anything does.
    pub(crate) const fn any(&self) -> bool {
        self.metered || !self.budgets.is_empty()
    }
}

pub(crate) async fn limits(c: &mut Conn, wish: &Wish) -> QueryResult<Limits> {
    let org = Id::from(wish.org);
    let own_rule: Option<Option<bool>> = orgs::table
        .find(org)
        .select(orgs::metered)
        .first(c)
        .await
        .optional()?;
    let metered = own_rule.flatten().unwrap_or(wish.allowance.metered);
    limits_beside(c, wish, metered).await
}

/// The same where it is known already whether credits limit the run.
pub(crate) async fn limits_beside(c: &mut Conn, wish: &Wish, metered: bool) -> QueryResult<Limits> {
    let org = Id::from(wish.org);
    let mut of_run = budgets::table.select(BudgetRow::as_select()).into_boxed();
    for (scope, id) in &wish.scopes {
        let it = budgets::org_id
            .eq(org)
            .and(budgets::scope.eq(*scope))
            .and(budgets::scope_id.eq(id));
        of_run = of_run.or_filter(it);
    }
    let found = of_run.order(budgets::budget_id).load(c).await?;
    Ok(Limits {
        metered,
        budgets: found,
    })
}

/// Reserves all that the run has to hold, or says why it can't; then what was reserved before is
/// to be undone. Returns what the run may use in its first step, if it holds enough for one.
pub(crate) async fn hold(
    c: &mut Conn,
    wish: &Wish,
    limits: &Limits,
) -> Result<Result<Option<Remaining>, CreateRun>, Failure> {
    let mut granted = Some(Remaining::default());
    if limits.metered {
        let Some(held) = hold_credits(c, wish).await? else {
            return Ok(Err(CreateRun::NoCredit));
        };
        granted = held.enough_to_begin().map(|credits| Remaining {
            cost: Some(wish.allowance.terms.cost_left(credits, [])),
            output_tokens: None,
        });
    }
    if limits.budgets.is_empty() {
        return Ok(Ok(granted));
    }
    let of_budgets = hold_budgets(c, wish, &limits.budgets).await?;
    Ok(of_budgets.map(|part| granted.zip(part).map(|(all, part)| all.and(part))))
}

/// What is left by a budget of which so much is left to a run.
pub(super) fn of_budget(budget: &BudgetRow, cost: i64, tokens: i64) -> Remaining {
    Remaining {
        cost: budget.max_cost_nanos.map(|_| NanoUsd::from_nanos(cost)),
        output_tokens: budget.max_tokens.map(|_| tokens.unsigned_abs()),
    }
}

/// Reserves all of it; for a run that may get more later also the last that there is.
async fn hold_credits(c: &mut Conn, wish: &Wish) -> QueryResult<Option<Held>> {
    let Allowance { credits, terms, .. } = wish.allowance;
    let mut row = CreditHoldRow {
        org_id: wish.org.into(),
        run_id: wish.run.into(),
        credits: credits.amount,
        step: credits.step,
        rate: i64::from(terms.rate.0),
        multiplier_thousandths: i64::from(terms.multiplier.as_thousandths()),
    };
    if credits.amount > 0 {
        if dialect::hold_credits(c, row).await? {
            return Ok(Some(credits));
        }
        let last = match credits.step {
            0 => 0,
            _ => up_to(c, wish.org.into(), credits.amount).await?,
        };
        if last == 0 {
            return Ok(None);
        }
        row.credits = last;
    }
    diesel::insert_into(credit_holds::table)
        .values(row)
        .execute(c)
        .await?;
    Ok(Some(Held {
        amount: row.credits,
        ..credits
    }))
}

/// Reserves as much as there is of what is wanted.
pub(super) async fn up_to(c: &mut Conn, org: Id, wanted: i64) -> QueryResult<i64> {
    use org_balances as b;
    let balance = b::table.find(org).select((b::credits, b::reserved));
    let found: Option<(i64, i64)> = dialect::locked!(balance).first(c).await.optional()?;
    let free = found.map_or(0, |(credits, reserved)| credits.saturating_sub(reserved));
    let some = wanted.min(free.max(0));
    if some > 0 {
        diesel::update(b::table.find(org))
            .set(b::reserved.eq(b::reserved + some))
            .execute(c)
            .await?;
    }
    Ok(some)
}

/// A budget with anything left lets a run begin, with what there is. Those of a run are looked at
/// together and then changed together: between the first look and the commit all runs of the
/// organisation wait.
async fn hold_budgets(
    c: &mut Conn,
    wish: &Wish,
    budgets: &[BudgetRow],
) -> Result<Result<Option<Remaining>, CreateRun>, Failure> {
    let start = |budget: &BudgetRow| Ok((budget.budget_id, At(budget.period()?.start(wish.at))));
    let keys: Vec<(Id, At)> = budgets
        .iter()
        .map(start)
        .collect::<Result<_, StoreError>>()?;
    let standing = dialect::standing(c, wish.org.into(), &keys).await?;
    let mut granted = Some(Remaining::default());
    let mut holds = Vec::with_capacity(budgets.len());
    for ((budget, (_, start)), spend) in budgets.iter().zip(keys).zip(standing) {
        let Some((cost, tokens)) = part(&wish.allowance, budget, spend) else {
            return Ok(Err(CreateRun::NoBudget(budget.name()?)));
        };
        granted = granted
            .zip(cost.enough_to_begin())
            .zip(tokens.enough_to_begin())
            .map(|((all, cost), tokens)| all.and(of_budget(budget, cost, tokens)));
        holds.push(BudgetHoldRow {
            org_id: budget.org_id,
            run_id: wish.run.into(),
            budget_id: budget.budget_id,
            period_start: start,
            cost_nanos: cost.amount,
            tokens: tokens.amount,
            step_cost_nanos: cost.step,
            step_tokens: tokens.step,
        });
    }
    dialect::hold_budgets(c, &holds).await?;
    Ok(Ok(granted))
}

/// How much of the budget the run gets, if anything is left.
fn part(allowance: &Allowance, budget: &BudgetRow, spend: SpendRow) -> Option<(Held, Held)> {
    let (cost, tokens) = (spend.free_cost(budget), spend.free_tokens(budget));
    if cost.into_iter().chain(tokens).any(|free| free <= 0) {
        return None;
    }
    let at_most = |held: Held, free: Option<i64>| Held {
        amount: held.amount.min(free.unwrap_or(i64::MAX)),
        ..held
    };
    Some((
        at_most(allowance.cost, cost),
        at_most(allowance.tokens, tokens),
    ))
}

/// Reserves more of a budget.
pub(crate) async fn add(
    c: &mut Conn,
    key: (Id, Id, At),
    cost: i64,
    tokens: i64,
) -> QueryResult<()> {
    use budget_spend as s;
    diesel::update(s::table.find(key))
        .set((
            s::reserved_cost_nanos.eq(s::reserved_cost_nanos + cost),
            s::reserved_tokens.eq(s::reserved_tokens + tokens),
        ))
        .execute(c)
        .await?;
    Ok(())
}
