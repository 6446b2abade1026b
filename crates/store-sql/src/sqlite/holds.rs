//! Holding credits and budgets, row after row: here a statement is not a journey.

use diesel::prelude::*;

use super::Conn;
use super::queries::reserve;
use super::verbs::RunQueryDsl;
use crate::rows::money::{BudgetHoldRow, CreditHoldRow, SpendRow};
use crate::schema::{budget_holds, budget_spend, credit_holds, org_balances};
use crate::types::{At, Id};

/// Reserves the credits that `hold` says and writes it; false, and nothing, when there are fewer.
pub(crate) async fn hold_credits(c: &mut Conn, hold: CreditHoldRow) -> QueryResult<bool> {
    use org_balances as b;
    let enough = b::table
        .find(hold.org_id)
        .filter((b::credits - b::reserved).ge(hold.credits));
    let reserved = diesel::update(enough)
        .set(b::reserved.eq(b::reserved + hold.credits))
        .execute(c)
        .await?;
    if reserved == 1 {
        let insert = diesel::insert_into(credit_holds::table).values(hold);
        insert.execute(c).await?;
    }
    Ok(reserved == 1)
}

/// How each of the budgets stands in its period, in a row that is made when it is the period's
/// first run.
pub(crate) async fn standing(
    c: &mut Conn,
    org: Id,
    budgets: &[(Id, At)],
) -> QueryResult<Vec<SpendRow>> {
    use budget_spend as s;
    let mut all = Vec::with_capacity(budgets.len());
    for (budget, start) in budgets {
        let row = s::table.find((org, budget, start));
        let row = row.select(SpendRow::as_select());
        let found = row.first(c).await.optional()?;
        if found.is_none() {
            diesel::insert_into(s::table)
                .values((
                    s::org_id.eq(org),
                    s::budget_id.eq(budget),
                    s::period_start.eq(start),
                ))
                .execute(c)
                .await?;
        }
        all.push(found.unwrap_or_default());
    }
    Ok(all)
}

/// Writes what a run holds, and counts it as reserved.
pub(crate) async fn hold_budgets(c: &mut Conn, holds: &[BudgetHoldRow]) -> QueryResult<()> {
    for hold in holds {
        let key = (hold.org_id, hold.budget_id, hold.period_start);
        reserve::add(c, key, hold.cost_nanos, hold.tokens).await?;
        let insert = diesel::insert_into(budget_holds::table).values(*hold);
        insert.execute(c).await?;
    }
    Ok(())
}
