//! Holding credits in one journey and budgets in two, however many there are: all runs of the
//! organisation wait until the last one is over.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};

use super::{Conn, RunQueryDsl};
use crate::rows::money::{BudgetHoldRow, CreditHoldRow, SpendRow};
use crate::schema::budget_spend;
use crate::types::{At, Id, Moment, Uid};

const HOLD_CREDITS: &str = "WITH taken AS (
    UPDATE org_balances SET reserved = reserved + $3
    WHERE org_id = $1 AND credits - reserved >= $3 RETURNING org_id)
INSERT INTO credit_holds (org_id, run_id, credits, step, rate, multiplier_thousandths)
SELECT org_id, $2, $3, $4, $5, $6 FROM taken";

/// Reserves the credits that `hold` says and writes it; false, and nothing, when there are fewer.
pub(crate) async fn hold_credits(c: &mut Conn, hold: CreditHoldRow) -> QueryResult<bool> {
    let held = diesel::sql_query(HOLD_CREDITS)
        .bind::<Uid, _>(hold.org_id)
        .bind::<Uid, _>(hold.run_id)
        .bind::<BigInt, _>(hold.credits)
        .bind::<BigInt, _>(hold.step)
        .bind::<BigInt, _>(hold.rate)
        .bind::<BigInt, _>(hold.multiplier_thousandths)
        .execute(c)
        .await?;
    Ok(held == 1)
}

/// How each of the budgets stands in its period, in rows that nobody else can change; they are
/// made when it is the period's first run.
pub(crate) async fn standing(
    c: &mut Conn,
    org: Id,
    budgets: &[(Id, At)],
) -> QueryResult<Vec<SpendRow>> {
    use budget_spend as s;
    if let Some(all) = locked(c, org, budgets).await? {
        return Ok(all);
    }
    let rows = budgets.iter().map(|(budget, start)| {
        (
            s::org_id.eq(org),
            s::budget_id.eq(budget),
            s::period_start.eq(start),
        )
    });
    diesel::insert_into(s::table)
        .values(rows.collect::<Vec<_>>())
        .on_conflict_do_nothing()
        .execute(c)
        .await?;
    let all = locked(c, org, budgets).await?;
    all.ok_or(diesel::result::Error::NotFound)
}

/// The rows in the order of `budgets`, if all are there. They are locked in that of their keys;
/// none is while one is missing, since that one would then be made, and locked, out of order.
async fn locked(c: &mut Conn, org: Id, budgets: &[(Id, At)]) -> QueryResult<Option<Vec<SpendRow>>> {
    use budget_spend as s;
    let (ids, starts): (Vec<Id>, Vec<At>) = budgets.iter().copied().unzip();
    let all_are_there = sql::<Bool>(
        "(SELECT count(*) FROM budget_spend AS b JOIN unnest(",
    )
    .bind::<Array<Uid>, _>(ids.clone())
    .sql(", ")
    .bind::<Array<Moment>, _>(starts.clone())
    .sql(") AS k(id, start) ON b.budget_id = k.id AND b.period_start = k.start WHERE b.org_id = ")
    .bind::<Uid, _>(org)
    .sql(") = ")
    .bind::<BigInt, _>(budgets.len() as i64);
    // A day may begin with its month, so a budget may have two of these rows.
    let rows: Vec<(Id, At, SpendRow)> = s::table
        .filter(s::org_id.eq(org))
        .filter(s::budget_id.eq_any(ids))
        .filter(s::period_start.eq_any(starts))
        .filter(all_are_there)
        .order((s::budget_id, s::period_start))
        .select((s::budget_id, s::period_start, SpendRow::as_select()))
        .for_no_key_update()
        .load(c)
        .await?;
    let find = |key: &(Id, At)| {
        let row = rows.iter().find(|(id, start, _)| (*id, *start) == *key);
        row.map(|(_, _, spend)| *spend)
    };
    Ok(budgets.iter().map(find).collect())
}

/// By `ON CONFLICT`, which names the index, the planner has no choice.
const HOLD: &str = "WITH held AS (
    INSERT INTO budget_holds (org_id, run_id, budget_id, period_start, cost_nanos, tokens,
        step_cost_nanos, step_tokens)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
    RETURNING org_id, budget_id, period_start, cost_nanos, tokens)
INSERT INTO budget_spend AS b
    (org_id, budget_id, period_start, reserved_cost_nanos, reserved_tokens)
SELECT org_id, budget_id, period_start, cost_nanos, tokens FROM held
ON CONFLICT (org_id, budget_id, period_start) DO UPDATE SET
    reserved_cost_nanos = b.reserved_cost_nanos + excluded.reserved_cost_nanos,
    reserved_tokens = b.reserved_tokens + excluded.reserved_tokens";

/// Writes what a run holds, and counts it as reserved.
pub(crate) async fn hold_budgets(c: &mut Conn, holds: &[BudgetHoldRow]) -> QueryResult<()> {
    let ids = |id: fn(&BudgetHoldRow) -> Id| holds.iter().map(id).collect::<Vec<_>>();
    let numbers = |number: fn(&BudgetHoldRow) -> i64| holds.iter().map(number).collect::<Vec<_>>();
    let starts: Vec<At> = holds.iter().map(|hold| hold.period_start).collect();
    diesel::sql_query(HOLD)
        .bind::<Array<Uid>, _>(ids(|hold| hold.org_id))
        .bind::<Array<Uid>, _>(ids(|hold| hold.run_id))
        .bind::<Array<Uid>, _>(ids(|hold| hold.budget_id))
        .bind::<Array<Moment>, _>(starts)
        .bind::<Array<BigInt>, _>(numbers(|hold| hold.cost_nanos))
        .bind::<Array<BigInt>, _>(numbers(|hold| hold.tokens))
        .bind::<Array<BigInt>, _>(numbers(|hold| hold.step_cost_nanos))
        .bind::<Array<BigInt>, _>(numbers(|hold| hold.step_tokens))
        .execute(c)
        .await?;
    Ok(())
}
