//! The end of a run: what it held is given back, and what it took is counted.

use diesel::prelude::*;
use runloom_domain::{CreditEntryId, OrgId, RunId};
use runloom_store::{CreditEntry, CreditKind};

use super::{Conn, RunQueryDsl, dialect};
use crate::rows::money::{EntryRow, SpendRow};
use crate::schema::{budget_holds, budget_spend, credit_holds, credit_ledger, org_balances, runs};
use crate::types::{At, Id};

/// Budget, start of the period, cost and tokens.
type Given = (Id, At, i64, i64);

pub(super) async fn settle(
    c: &mut Conn,
    (org, run): (Id, Id),
    credits: i64,
    at: At,
) -> QueryResult<()> {
    use credit_holds as h;
    let held: Option<i64> = diesel::update(h::table.find((org, run)))
        .set((h::charged.eq(credits), h::ended_at.eq(at)))
        .returning(h::credits)
        .get_result(c)
        .await
        .optional()?;
    let (took, mut given) = of_budgets(c, org, run).await?;
    if let Some(held) = held {
        charge(c, org, held, credits).await?;
        let entry = run_entry(run.into(), credits, at);
        diesel::insert_into(credit_ledger::table)
            .values(EntryRow::new(OrgId::from(org), entry))
            .execute(c)
            .await?;
    }
    given.sort_by_key(|(budget, ..)| *budget);
    for given in given {
        count(c, org, given, took).await?;
    }
    Ok(())
}

fn run_entry(run: RunId, credits: i64, at: At) -> CreditEntry {
    CreditEntry {
        entry_id: CreditEntryId::from_uuid(run.as_uuid()),
        kind: CreditKind::Run,
        credits: credits.saturating_neg(),
        run_id: Some(run),
        note: None,
        created_by: None,
        created_at: at.0,
    }
}

/// What the run took in all, and what it held of each budget.
async fn of_budgets(c: &mut Conn, org: Id, run: Id) -> QueryResult<((i64, i64), Vec<Given>)> {
    use budget_holds as h;
    let (cost, uncached, read, written, output): (i64, i64, i64, i64, i64) = runs::table
        .find((org, run))
        .select((
            runs::cost_nanos,
            runs::uncached_input_tokens,
            runs::cache_read_tokens,
            runs::cache_write_tokens,
            runs::output_tokens,
        ))
        .first(c)
        .await?;
    let tokens = [read, written, output]
        .into_iter()
        .fold(uncached, i64::saturating_add);
    let of_run = h::table.filter(h::org_id.eq(org)).filter(h::run_id.eq(run));
    let given = diesel::update(of_run)
        .set((h::took_cost_nanos.eq(cost), h::took_tokens.eq(tokens)))
        .returning((h::budget_id, h::period_start, h::cost_nanos, h::tokens))
        .load(c)
        .await?;
    Ok(((cost, tokens), given))
}

/// Moves the balance. Sums saturate: an end must not fail for an absurd figure.
async fn charge(c: &mut Conn, org: Id, held: i64, credits: i64) -> QueryResult<()> {
    use org_balances as b;
    let balance = b::table.find(org).select((b::credits, b::reserved));
    let found: Option<(i64, i64)> = dialect::locked!(balance).first(c).await.optional()?;
    let Some((before, reserved)) = found else {
        // A run that reserved nothing may be the first to move it.
        diesel::insert_into(b::table)
            .values((b::org_id.eq(org), b::credits.eq(credits.saturating_neg())))
            .execute(c)
            .await?;
        return Ok(());
    };
    diesel::update(b::table.find(org))
        .set((
            b::credits.eq(before.saturating_sub(credits)),
            b::reserved.eq(reserved - held),
        ))
        .execute(c)
        .await?;
    Ok(())
}

async fn count(
    c: &mut Conn,
    org: Id,
    (budget, start, cost, tokens): Given,
    (took_cost, took_tokens): (i64, i64),
) -> QueryResult<()> {
    let row = budget_spend::table.find((org, budget, start));
    let spend = row.select(SpendRow::as_select());
    let found: Option<SpendRow> = dialect::locked!(spend).first(c).await.optional()?;
    // The budget may have been deleted since.
    let Some(spend) = found else { return Ok(()) };
    diesel::update(row)
        .set(SpendRow {
            cost_nanos: spend.cost_nanos.saturating_add(took_cost),
            tokens: spend.tokens.saturating_add(took_tokens),
            reserved_cost_nanos: spend.reserved_cost_nanos - cost,
            reserved_tokens: spend.reserved_tokens - tokens,
        })
        .execute(c)
        .await?;
    Ok(())
}
