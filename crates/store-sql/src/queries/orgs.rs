//! Organisations.

use diesel::prelude::*;
use runloom_domain::{OrgId, OrgRole, RunId, UserId};
use runloom_store::{
    By, Idempotency, JoinedOrg, NewOrg, Once, OrgPatch, OrgRecord, Page, PageKey, Paged,
    StoreError, Update, entries,
};

use super::accounts::{NO_ORG, add_member, make_org};
use super::{Conn, RunQueryDsl, audit, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::rows::org::{OrgRow, role};
use crate::schema::{memberships, orgs, runs};
use crate::text::storable;
use crate::types::{At, Id};

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewOrg,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<()>>, Failure> {
    if let Some(answer) = keys::take(c, now, NO_ORG, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable([new.name.as_str()])?;
    let (org, at) = (Id::from(new.org_id), At(new.created_at));
    make_org(c, org, &new.name, at).await?;
    add_member(c, (org, new.owner.into()), OrgRole::Owner, at).await?;
    audit::record(c, by, entries::org_created(&new)).await?;
    Ok(Verdict::Keep(Once::Done(())))
}

pub(crate) async fn get(c: &mut Conn, org: OrgId) -> Result<Option<OrgRecord>, Failure> {
    let row: Option<OrgRow> = orgs::table
        .find(Id::from(org))
        .select(OrgRow::as_select())
        .first(c)
        .await
        .optional()?;
    Ok(row.map(OrgRow::into_record).transpose()?)
}

pub(crate) async fn of_user(
    c: &mut Conn,
    user: UserId,
    page: Page,
) -> Result<Paged<JoinedOrg>, Failure> {
    use orgs::{created_at, org_id};
    let query = orgs::table
        .inner_join(memberships::table.on(memberships::org_id.eq(org_id)))
        .filter(memberships::user_id.eq(Id::from(user)))
        .select((OrgRow::as_select(), memberships::role));
    let rows: Vec<(OrgRow, String)> = page!(query, page, created_at, org_id).load(c).await?;
    let joined = |(org, name): (OrgRow, String)| {
        let role = role("memberships", user, &name)?;
        let org = org.into_record()?;
        Ok(JoinedOrg { org, role })
    };
    let rows = rows.into_iter().map(joined);
    let rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Paged::from_surplus(rows, page.limit, |joined| PageKey {
        created_at: joined.org.created_at,
        id: joined.org.org_id.as_uuid(),
    }))
}

pub(crate) async fn update(
    c: &mut Conn,
    org: OrgId,
    expected: u64,
    patch: OrgPatch,
    by: By,
) -> Result<Verdict<Update<OrgRecord>>, Failure> {
    storable(patch.name.as_deref())?;
    let query = orgs::table.find(Id::from(org)).select(OrgRow::as_select());
    let row: Option<OrgRow> = dialect::locked!(query).first(c).await.optional()?;
    let Some(mut record) = row.map(OrgRow::into_record).transpose()? else {
        return Ok(Verdict::Undo(Update::Absent));
    };
    if record.version != expected {
        return Ok(Verdict::Undo(Update::Stale));
    }
    record.version += 1;
    record.name = patch.name.unwrap_or(record.name);
    record.run_visibility = patch.run_visibility.unwrap_or(record.run_visibility);
    diesel::update(orgs::table.find(Id::from(org)))
        .set((
            orgs::name.eq(&record.name),
            orgs::run_visibility.eq(record.run_visibility.as_str()),
            orgs::version.eq(orgs::version + 1),
        ))
        .execute(c)
        .await?;
    audit::record(c, by, entries::org_changed(&record)).await?;
    Ok(Verdict::Keep(Update::Done(record)))
}

pub(crate) async fn runs_created_by(
    c: &mut Conn,
    org: OrgId,
    user: UserId,
    wanted: Vec<RunId>,
) -> Result<Vec<RunId>, Failure> {
    let wanted: Vec<Id> = wanted.into_iter().map(Id::from).collect();
    let found: Vec<Id> = runs::table
        .filter(runs::org_id.eq(Id::from(org)))
        .filter(runs::run_id.eq_any(wanted))
        .filter(runs::created_by.eq(Id::from(user)))
        .select(runs::run_id)
        .load(c)
        .await?;
    Ok(found.into_iter().map(RunId::from).collect())
}
