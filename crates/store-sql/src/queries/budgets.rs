//! Budgets.

use diesel::prelude::*;
use runloom_domain::{BudgetId, BudgetScope, NanoUsd, OrgId, Timestamp};
use runloom_store::{
    BudgetPatch, BudgetRecord, By, CreateBudget, Idempotency, NewBudget, Once, Page, PageKey,
    Paged, entries,
};

use super::{Conn, RunQueryDsl, audit, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::rows::money::{BudgetChanges, BudgetRow, SpendRow};
use crate::rows::signed;
use crate::schema::{budget_spend, budgets, runs};
use crate::text::storable;
use crate::types::{At, Id};

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewBudget,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<CreateBudget>>, Failure> {
    if let Some(answer) = keys::take(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable(new.scope_id.as_deref())?;
    let start = At(new.period.start(new.created_at));
    let used = used_before(c, &new, start).await?;
    let created = entries::budget_created(&new);
    let row = BudgetRow::from(new);
    let key = (row.org_id, row.budget_id);
    let made = diesel::insert_into(budgets::table)
        .values(row)
        .on_conflict((
            budgets::org_id,
            budgets::scope,
            budgets::scope_id,
            budgets::period,
        ))
        .do_nothing()
        .execute(c)
        .await?;
    if made == 0 {
        return Ok(Verdict::Undo(Once::Done(CreateBudget::Taken)));
    }
    diesel::insert_into(budget_spend::table)
        .values((
            budget_spend::org_id.eq(key.0),
            budget_spend::budget_id.eq(key.1),
            budget_spend::period_start.eq(start),
            budget_spend::cost_nanos.eq(used.cost_nanos),
            budget_spend::tokens.eq(used.tokens),
        ))
        .execute(c)
        .await?;
    audit::record(c, by, created).await?;
    Ok(Verdict::Keep(Once::Done(CreateBudget::Created)))
}

/// A run's persona, cost, and tokens of each kind.
type UsedRow = (String, i64, i64, i64, i64, i64);

/// What the period's runs have used before there was a budget for them.
async fn used_before(c: &mut Conn, new: &NewBudget, start: At) -> Result<SpendRow, Failure> {
    let id = new.scope_id.as_deref().unwrap_or_default();
    let uuid = || Id(id.parse().unwrap_or_default());
    let of_period = || {
        runs::table
            .filter(runs::org_id.eq(Id::from(new.org_id)))
            .filter(runs::created_at.ge(start))
            .select((
                runs::persona_id,
                runs::cost_nanos,
                runs::uncached_input_tokens,
                runs::cache_read_tokens,
                runs::cache_write_tokens,
                runs::output_tokens,
            ))
            .into_boxed()
    };
    let query = match new.scope {
        // Of a persona's key in all versions there is no index either.
        BudgetScope::Organisation | BudgetScope::Persona => of_period(),
        BudgetScope::User => of_period().filter(runs::created_by.eq(uuid())),
        BudgetScope::ApiKey => of_period().filter(runs::api_key_id.eq(uuid())),
        BudgetScope::Thread => of_period().filter(runs::thread_id.eq(uuid())),
    };
    let mut rows: Vec<UsedRow> = query.load(c).await?;
    if new.scope == BudgetScope::Thread {
        // One after the other: SQLite would find neither of two conditions by its index.
        let spawned = of_period().filter(runs::root_thread_id.eq(uuid()));
        rows.extend(spawned.load::<UsedRow>(c).await?);
    }
    let counts =
        |persona: &str| new.scope != BudgetScope::Persona || persona.split('@').next() == Some(id);
    let mut used = SpendRow::default();
    for (persona, cost, uncached, read, written, output) in rows {
        if counts(&persona) {
            used.cost_nanos = used.cost_nanos.saturating_add(cost);
            let parts = [uncached, read, written, output].into_iter();
            used.tokens = parts.fold(used.tokens, i64::saturating_add);
        }
    }
    Ok(used)
}

/// A budget and how it stands, if anything has been counted.
type Row = (BudgetRow, Option<SpendRow>);

/// The budgets of an organisation with how each stands in the period that `$at` is in: the
/// start of that is one of two, by the period's kind.
macro_rules! records {
    ($org:expr, $at:expr) => {{
        use runloom_domain::BudgetPeriod::{Day, Month};
        let starts = |period: runloom_domain::BudgetPeriod| {
            budgets::period
                .eq(period.as_str())
                .and(budget_spend::period_start.eq(At(period.start($at))))
        };
        budgets::table
            .left_join(
                budget_spend::table.on(budget_spend::org_id
                    .eq(budgets::org_id)
                    .and(budget_spend::budget_id.eq(budgets::budget_id))
                    .and(starts(Day).or(starts(Month)))),
            )
            .filter(budgets::org_id.eq(Id::from($org)))
            .select((BudgetRow::as_select(), Option::<SpendRow>::as_select()))
    }};
}

fn record((budget, spend): Row, at: Timestamp) -> Result<BudgetRecord, Failure> {
    let start = budget.period()?.start(at);
    Ok(budget.record(start, spend.unwrap_or_default())?)
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    budget: BudgetId,
    at: Timestamp,
) -> Result<Option<BudgetRecord>, Failure> {
    let row: Option<Row> = records!(org, at)
        .filter(budgets::budget_id.eq(Id::from(budget)))
        .first(c)
        .await
        .optional()?;
    row.map(|row| record(row, at)).transpose()
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
    at: Timestamp,
) -> Result<Paged<BudgetRecord>, Failure> {
    use budgets::{budget_id, created_at};
    let rows: Vec<Row> = page!(records!(org, at), page, created_at, budget_id)
        .load(c)
        .await?;
    let records = rows
        .into_iter()
        .map(|row| record(row, at))
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok(Paged::from_surplus(records, page.limit, |budget| PageKey {
        created_at: budget.created_at,
        id: budget.budget_id.as_uuid(),
    }))
}

pub(crate) async fn update(
    c: &mut Conn,
    org: OrgId,
    budget: BudgetId,
    patch: BudgetPatch,
    by: By,
) -> Result<bool, Failure> {
    let row = budgets::table.find((Id::from(org), Id::from(budget)));
    if patch == BudgetPatch::default() {
        let found: Option<Id> = row.select(budgets::budget_id).first(c).await.optional()?;
        return Ok(found.is_some());
    }
    let changed = diesel::update(row)
        .set(BudgetChanges {
            max_cost_nanos: patch.max_cost.map(|max| max.map(NanoUsd::as_nanos)),
            max_tokens: patch.max_tokens.map(|max| max.map(signed)),
        })
        .execute(c)
        .await?;
    if changed == 1 {
        audit::record(c, by, entries::budget_changed(org, budget, patch)).await?;
    }
    Ok(changed == 1)
}

/// What runs still hold of it stays with them and counts for nothing.
pub(crate) async fn delete(
    c: &mut Conn,
    org: OrgId,
    budget: BudgetId,
    by: By,
) -> Result<Verdict<bool>, Failure> {
    let gone = entries::budget_deleted(org, budget);
    let (org, budget) = (Id::from(org), Id::from(budget));
    let deleted = diesel::delete(budgets::table.find((org, budget)))
        .execute(c)
        .await?;
    if deleted == 0 {
        return Ok(Verdict::Undo(false));
    }
    diesel::delete(
        budget_spend::table
            .filter(budget_spend::org_id.eq(org))
            .filter(budget_spend::budget_id.eq(budget)),
    )
    .execute(c)
    .await?;
    audit::record(c, by, gone).await?;
    Ok(Verdict::Keep(true))
}
