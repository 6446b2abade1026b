//! What a run may still use, and reserving more for it.

use diesel::prelude::*;
use runloom_domain::{Multiplier, NanoUsd, OrgId, RunId, credits_for};
use runloom_store::{Held, Remaining};

use super::{Conn, RunQueryDsl, dialect, reserve};
use crate::failure::{Failure, Verdict};
use crate::rows::money::{BudgetRow, CreditHoldRow, SpendRow};
use crate::rows::unsigned;
use crate::schema::{budget_holds, budget_spend, budgets, credit_holds, model_calls};
use crate::types::{At, Id};

/// Budget, start of the period, and cost and tokens, both as held and as wanted for a step.
type BudgetHold = (Id, At, (i64, i64), (i64, i64));

/// What the run's model calls have used so far.
#[derive(Default)]
struct Spent {
    calls: Vec<(NanoUsd, Multiplier)>,
    cost: i64,
    tokens: i64,
}

pub(crate) async fn ask(
    c: &mut Conn,
    org: OrgId,
    run: RunId,
) -> Result<Verdict<Remaining>, Failure> {
    let (org, run) = (Id::from(org), Id::from(run));
    let credits = credit_hold(c, org, run).await?;
    let of_budgets = budgets_held(c, org, run).await?;
    let mut remaining = Remaining::default();
    if credits.is_none() && of_budgets.is_empty() {
        return Ok(Verdict::Undo(remaining));
    }
    let spent = spent(c, org, run).await?;
    if let Some(hold) = credits {
        remaining = remaining.and(of_credits(c, &hold, &spent).await?);
    }
    for hold in of_budgets {
        remaining = remaining.and(of_budget(c, (org, run), hold, &spent).await?);
    }
    Ok(Verdict::Keep(remaining))
}

async fn credit_hold(c: &mut Conn, org: Id, run: Id) -> QueryResult<Option<CreditHoldRow>> {
    let hold = credit_holds::table
        .find((org, run))
        .filter(credit_holds::ended_at.is_null())
        .select(CreditHoldRow::as_select());
    dialect::locked!(hold).first(c).await.optional()
}

async fn budgets_held(c: &mut Conn, org: Id, run: Id) -> QueryResult<Vec<BudgetHold>> {
    use budget_holds as h;
    let holds = h::table
        .filter(h::org_id.eq(org))
        .filter(h::run_id.eq(run))
        .filter(h::took_tokens.is_null())
        .order(h::budget_id)
        .select((
            h::budget_id,
            h::period_start,
            (h::cost_nanos, h::step_cost_nanos),
            (h::tokens, h::step_tokens),
        ));
    dialect::locked!(holds).load(c).await
}

async fn spent(c: &mut Conn, org: Id, run: Id) -> Result<Spent, Failure> {
    use model_calls as m;
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = m::table
        .filter(m::org_id.eq(org))
        .filter(m::run_id.eq(run))
        .select((
            m::cost_nanos,
            m::multiplier_thousandths,
            m::uncached_input_tokens,
            m::cache_read_tokens,
            m::cache_write_tokens,
            m::output_tokens,
        ))
        .load(c)
        .await?;
    let mut spent = Spent::default();
    for (cost, multiplier, uncached, read, written, output) in rows {
        let multiplier = unsigned("model_calls", "multiplier_thousandths", run, multiplier)?;
        let call = (
            NanoUsd::from_nanos(cost),
            Multiplier::from_thousandths(multiplier),
        );
        spent.calls.push(call);
        spent.cost = spent.cost.saturating_add(cost);
        let parts = [uncached, read, written, output].into_iter();
        spent.tokens = parts.fold(spent.tokens, i64::saturating_add);
    }
    Ok(spent)
}

async fn of_credits(
    c: &mut Conn,
    hold: &CreditHoldRow,
    spent: &Spent,
) -> Result<Remaining, Failure> {
    let terms = hold.terms()?;
    let held = Held {
        amount: hold.credits,
        step: hold.step,
    };
    let calls = || spent.calls.iter().copied();
    let wanted = held.wanted(credits_for(calls(), terms.rate));
    let more = match wanted {
        0 => 0,
        wanted => more_credits(c, hold, wanted).await?,
    };
    Ok(Remaining {
        cost: Some(terms.cost_left(held.amount + more, calls())),
        output_tokens: None,
    })
}

async fn more_credits(c: &mut Conn, hold: &CreditHoldRow, wanted: i64) -> QueryResult<i64> {
    let more = reserve::up_to(c, hold.org_id, wanted).await?;
    if more > 0 {
        diesel::update(credit_holds::table.find((hold.org_id, hold.run_id)))
            .set(credit_holds::credits.eq(credit_holds::credits + more))
            .execute(c)
            .await?;
    }
    Ok(more)
}

async fn of_budget(
    c: &mut Conn,
    (org, run): (Id, Id),
    (budget, start, cost, tokens): BudgetHold,
    spent: &Spent,
) -> Result<Remaining, Failure> {
    let held = |(amount, step)| Held { amount, step };
    let (cost, tokens) = (held(cost), held(tokens));
    let found: Option<BudgetRow> = budgets::table
        .find((org, budget))
        .select(BudgetRow::as_select())
        .first(c)
        .await
        .optional()?;
    // A budget that was deleted limits nothing any more.
    let Some(found) = found else {
        return Ok(Remaining::default());
    };
    let wanted = (cost.wanted(spent.cost), tokens.wanted(spent.tokens));
    let (more_cost, more_tokens) = match wanted {
        (0, 0) => (0, 0),
        wanted => more_of_budget(c, run, &found, start, wanted).await?,
    };
    let more = |held: Held, more| Held {
        amount: held.amount + more,
        ..held
    };
    let left = more(cost, more_cost).left(spent.cost);
    let tokens_left = more(tokens, more_tokens).left(spent.tokens);
    Ok(reserve::of_budget(&found, left, tokens_left))
}

/// Reserves as much as there is of the cost and tokens that are wanted.
async fn more_of_budget(
    c: &mut Conn,
    run: Id,
    budget: &BudgetRow,
    start: At,
    (cost, tokens): (i64, i64),
) -> QueryResult<(i64, i64)> {
    use budget_holds as h;
    let key = (budget.org_id, budget.budget_id, start);
    let row = budget_spend::table.find(key).select(SpendRow::as_select());
    let found: Option<SpendRow> = dialect::locked!(row).first(c).await.optional()?;
    let spend = found.unwrap_or_default();
    let some = |wanted: i64, free: Option<i64>| wanted.min(free.unwrap_or(i64::MAX).max(0));
    let cost = some(cost, spend.free_cost(budget));
    let tokens = some(tokens, spend.free_tokens(budget));
    if cost > 0 || tokens > 0 {
        reserve::add(c, key, cost, tokens).await?;
        diesel::update(h::table.find((budget.org_id, run, budget.budget_id)))
            .set((
                h::cost_nanos.eq(h::cost_nanos + cost),
                h::tokens.eq(h::tokens + tokens),
            ))
            .execute(c)
            .await?;
    }
    Ok((cost, tokens))
}
