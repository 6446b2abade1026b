//! What a new run reserves of credits and budgets.
//!
//! Rows are locked in one order here and in the other transactions: threads, holds, balances,
//! budgets, each by key.

use diesel::prelude::*;
use runloom_domain::{OrgId, RunId, Timestamp};
use runloom_store::{Allowance, CreateRun, Held, NewRun};

use super::{Conn, RunQueryDsl, dialect};
use crate::failure::Failure;
use crate::rows::money::{BudgetRow, CreditHoldRow, SpendRow};
use crate::schema::{budget_holds, budget_spend, budgets, credit_holds, org_balances, orgs};
use crate::types::{At, Id};

/// What is to be known of a new run; a [`NewRun`] itself can't be shared between threads.
pub(super) struct Wish {
    org: OrgId,
    run: RunId,
    at: Timestamp,
    allowance: Allowance,
    scopes: Vec<(&'static str, String)>,
}

impl Wish {
    pub(super) fn of(new: &NewRun) -> Self {
        let scopes = new.budget_scopes().into_iter();
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
pub(super) struct Limits {
    metered: bool,
    /// In the order of their ids.
    budgets: Vec<BudgetRow>,
}

impl Limits {
    /// Whether anything does.
    pub(super) const fn any(&self) -> bool {
        self.metered || !self.budgets.is_empty()
    }
}

pub(super) async fn limits(c: &mut Conn, wish: &Wish) -> QueryResult<Limits> {
    let org = Id::from(wish.org);
    let own_rule: Option<Option<bool>> = orgs::table
        .find(org)
        .select(orgs::metered)
        .first(c)
        .await
        .optional()?;
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
        metered: own_rule.flatten().unwrap_or(wish.allowance.metered),
        budgets: found,
    })
}

/// Reserves all that the run has to hold, or says why it can't; then what was reserved before is
/// to be undone.
pub(super) async fn hold(
    c: &mut Conn,
    wish: &Wish,
    limits: &Limits,
) -> Result<Option<CreateRun>, Failure> {
    if limits.metered && !hold_credits(c, wish).await? {
        return Ok(Some(CreateRun::NoCredit));
    }
    for budget in &limits.budgets {
        if !hold_budget(c, wish, budget).await? {
            return Ok(Some(CreateRun::NoBudget(budget.name()?)));
        }
    }
    Ok(None)
}

async fn hold_credits(c: &mut Conn, wish: &Wish) -> QueryResult<bool> {
    let Allowance { credits, terms, .. } = wish.allowance;
    let Some(amount) = reserve(c, wish.org.into(), credits).await? else {
        return Ok(false);
    };
    diesel::insert_into(credit_holds::table)
        .values(CreditHoldRow {
            org_id: wish.org.into(),
            run_id: wish.run.into(),
            credits: amount,
            step: credits.step,
            rate: i64::from(terms.rate.0),
            multiplier_thousandths: i64::from(terms.multiplier.as_thousandths()),
        })
        .execute(c)
        .await?;
    Ok(true)
}

/// Reserves all of it; for a run that may get more later also the last that there is.
async fn reserve(c: &mut Conn, org: Id, credits: Held) -> QueryResult<Option<i64>> {
    use org_balances as b;
    if credits.amount == 0 {
        return Ok(Some(0));
    }
    let enough = b::table
        .find(org)
        .filter((b::credits - b::reserved).ge(credits.amount));
    let reserved = diesel::update(enough)
        .set(b::reserved.eq(b::reserved + credits.amount))
        .execute(c)
        .await?;
    if reserved == 1 {
        return Ok(Some(credits.amount));
    }
    let last = match credits.step {
        0 => 0,
        _ => up_to(c, org, credits.amount).await?,
    };
    Ok(Some(last).filter(|last| *last > 0))
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

/// A budget with anything left lets a run begin, with what there is.
async fn hold_budget(c: &mut Conn, wish: &Wish, budget: &BudgetRow) -> Result<bool, Failure> {
    let start = At(budget.period()?.start(wish.at));
    let spend = standing(c, budget, start).await?;
    let (cost, tokens) = (spend.free_cost(budget), spend.free_tokens(budget));
    if cost.into_iter().chain(tokens).any(|free| free <= 0) {
        return Ok(false);
    }
    let at_most = |held: Held, free: Option<i64>| held.amount.min(free.unwrap_or(i64::MAX));
    let cost = at_most(wish.allowance.cost, cost);
    let tokens = at_most(wish.allowance.tokens, tokens);
    add(c, (budget.org_id, budget.budget_id, start), cost, tokens).await?;
    diesel::insert_into(budget_holds::table)
        .values((
            budget_holds::org_id.eq(budget.org_id),
            budget_holds::run_id.eq(Id::from(wish.run)),
            budget_holds::budget_id.eq(budget.budget_id),
            budget_holds::period_start.eq(start),
            budget_holds::cost_nanos.eq(cost),
            budget_holds::tokens.eq(tokens),
            budget_holds::step_cost_nanos.eq(wish.allowance.cost.step),
            budget_holds::step_tokens.eq(wish.allowance.tokens.step),
        ))
        .execute(c)
        .await?;
    Ok(true)
}

/// How the budget stands in the period, in a row that nobody else can change; made when it is
/// the period's first run.
async fn standing(c: &mut Conn, budget: &BudgetRow, start: At) -> QueryResult<SpendRow> {
    use budget_spend as s;
    diesel::insert_into(s::table)
        .values((
            s::org_id.eq(budget.org_id),
            s::budget_id.eq(budget.budget_id),
            s::period_start.eq(start),
        ))
        .on_conflict_do_nothing()
        .execute(c)
        .await?;
    let row = s::table
        .find((budget.org_id, budget.budget_id, start))
        .select(SpendRow::as_select());
    dialect::locked!(row).first(c).await
}

/// Reserves more of a budget.
pub(super) async fn add(
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
