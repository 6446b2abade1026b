//! An organisation's credits.

use diesel::prelude::*;
use runloom_domain::OrgId;
use runloom_store::{
    Balance, By, CreditEntry, Idempotency, Once, Page, PageKey, Paged, StoreError, entries,
};

use super::{Conn, RunQueryDsl, audit, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::rows::money::EntryRow;
use crate::schema::{credit_ledger, org_balances, orgs};
use crate::text::storable;
use crate::types::{At, Id};

pub(crate) async fn balance(c: &mut Conn, org: OrgId) -> Result<Balance, Failure> {
    let org = Id::from(org);
    let metered: Option<Option<bool>> = orgs::table
        .find(org)
        .select(orgs::metered)
        .first(c)
        .await
        .optional()?;
    let found: Option<(i64, i64)> = org_balances::table
        .find(org)
        .select((org_balances::credits, org_balances::reserved))
        .first(c)
        .await
        .optional()?;
    let (credits, reserved) = found.unwrap_or_default();
    Ok(Balance {
        credits,
        reserved,
        metered: metered.flatten(),
    })
}

pub(crate) async fn set_metered(
    c: &mut Conn,
    org: OrgId,
    metered: Option<bool>,
    by: By,
) -> Result<bool, Failure> {
    let changed = diesel::update(orgs::table.find(Id::from(org)))
        .set(orgs::metered.eq(metered))
        .execute(c)
        .await?;
    if changed == 1 {
        audit::record(c, by, entries::metering_changed(org, metered)).await?;
    }
    Ok(changed == 1)
}

pub(crate) async fn add(
    c: &mut Conn,
    now: dialect::Now,
    org: OrgId,
    entry: CreditEntry,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<bool>>, Failure> {
    use org_balances as b;
    if let Some(answer) = keys::take(c, now, org, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    let found: Option<Id> = orgs::table
        .find(Id::from(org))
        .select(orgs::org_id)
        .first(c)
        .await
        .optional()?;
    if found.is_none() {
        return Ok(Verdict::Undo(Once::Done(false)));
    }
    storable(entry.note.as_deref())?;
    let credits = entry.credits;
    let added = entries::credits_added(org, &entry);
    diesel::insert_into(credit_ledger::table)
        .values(EntryRow::new(org, entry))
        .execute(c)
        .await?;
    diesel::insert_into(b::table)
        .values((b::org_id.eq(Id::from(org)), b::credits.eq(credits)))
        .on_conflict(b::org_id)
        .do_update()
        .set(b::credits.eq(b::credits + credits))
        .execute(c)
        .await?;
    audit::record(c, by, added).await?;
    Ok(Verdict::Keep(Once::Done(true)))
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
) -> Result<Paged<CreditEntry>, Failure> {
    use credit_ledger::{created_at, entry_id};
    let query = credit_ledger::table
        .filter(credit_ledger::org_id.eq(Id::from(org)))
        .select(EntryRow::as_select());
    let rows: Vec<EntryRow> = page!(query, page, created_at, entry_id).load(c).await?;
    let entries = rows
        .into_iter()
        .map(EntryRow::into_entry)
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Paged::from_surplus(entries, page.limit, |entry| PageKey {
        created_at: entry.created_at,
        id: entry.entry_id.as_uuid(),
    }))
}
