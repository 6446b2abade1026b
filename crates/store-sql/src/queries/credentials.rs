//! Credentials of model providers.

use diesel::dsl::count_star;
use diesel::prelude::*;
use runloom_domain::{CredentialId, OrgId, Timestamp};
use runloom_store::{
    Action, By, CredentialRecord, CredentialSettings, DeleteConfig, Idempotency, NewCredential,
    Once, Page, PageKey, Paged, StoreError, Update, entries,
};

use super::{Conn, RunQueryDsl, audit, config, dialect};
use crate::failure::{Failure, Verdict};
use crate::rows::credential::CredentialRow;
use crate::rows::unsigned;
use crate::schema::{llm_credentials, llm_routes};
use crate::text::storable;
use crate::types::{At, Id};

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewCredential,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<()>>, Failure> {
    if let Some(answer) = config::begin_once(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    check(&new.settings)?;
    let (org, id) = (new.org_id, new.credential_id);
    let name = new.settings.name.as_str();
    let created = entries::credential(Action::CredentialCreated, org, id, name);
    diesel::insert_into(llm_credentials::table)
        .values(CredentialRow::from(CredentialRecord::from(new)))
        .execute(c)
        .await?;
    audit::record(c, by, created).await?;
    Ok(Verdict::Keep(Once::Done(())))
}

fn check(settings: &CredentialSettings) -> Result<(), StoreError> {
    let prefix = settings.key.as_ref().and_then(|key| key.prefix.as_deref());
    storable(
        [settings.name.as_str()]
            .into_iter()
            .chain(settings.base_url.as_deref())
            .chain(prefix),
    )
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    id: CredentialId,
) -> Result<Option<CredentialRecord>, Failure> {
    let row: Option<CredentialRow> = llm_credentials::table
        .find((Id::from(org), Id::from(id)))
        .select(CredentialRow::as_select())
        .first(c)
        .await
        .optional()?;
    Ok(row.map(CredentialRow::into_record).transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
) -> Result<Paged<CredentialRecord>, Failure> {
    use llm_credentials::{created_at, credential_id};
    let query = llm_credentials::table
        .filter(llm_credentials::org_id.eq(Id::from(org)))
        .select(CredentialRow::as_select());
    let rows: Vec<CredentialRow> = page!(query, page, created_at, credential_id)
        .load(c)
        .await?;
    let records = rows
        .into_iter()
        .map(CredentialRow::into_record)
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Paged::from_surplus(records, page.limit, |row| PageKey {
        created_at: row.created_at,
        id: row.credential_id.as_uuid(),
    }))
}

pub(crate) async fn update(
    c: &mut Conn,
    (org, id): (OrgId, CredentialId),
    expected: u64,
    settings: CredentialSettings,
    at: Timestamp,
    by: By,
) -> Result<Verdict<Update<CredentialRecord>>, Failure> {
    check(&settings)?;
    config::begin_write(c, org).await?;
    let Some(found) = get(c, org, id).await? else {
        return Ok(Verdict::Undo(Update::Absent));
    };
    if found.version != expected {
        return Ok(Verdict::Undo(Update::Stale));
    }
    let changed = CredentialRecord {
        settings,
        version: expected + 1,
        updated_at: at,
        ..found
    };
    diesel::update(llm_credentials::table.find((Id::from(org), Id::from(id))))
        .set(CredentialRow::from(changed.clone()))
        .execute(c)
        .await?;
    let name = &changed.settings.name;
    let entry = entries::credential(Action::CredentialChanged, org, id, name);
    audit::record(c, by, entry).await?;
    Ok(Verdict::Keep(Update::Done(changed)))
}

pub(crate) async fn delete(
    c: &mut Conn,
    org: OrgId,
    id: CredentialId,
    expected: Option<u64>,
    by: By,
) -> Result<Verdict<DeleteConfig>, Failure> {
    config::begin_write(c, org).await?;
    let Some(found) = get(c, org, id).await? else {
        return Ok(Verdict::Undo(DeleteConfig::Absent));
    };
    if expected.is_some_and(|expected| expected != found.version) {
        return Ok(Verdict::Undo(DeleteConfig::Stale));
    }
    let routes: i64 = llm_routes::table
        .filter(llm_routes::org_id.eq(Id::from(org)))
        .filter(llm_routes::credential_id.eq(Id::from(id)))
        .select(count_star())
        .first(c)
        .await?;
    let routes = unsigned("llm_routes", "credential_id", org, routes)?;
    let runs = config::runs_using(c, org, id.as_uuid()).await?;
    if routes + runs > 0 {
        return Ok(Verdict::Undo(DeleteConfig::InUse { routes, runs }));
    }
    diesel::delete(llm_credentials::table.find((Id::from(org), Id::from(id))))
        .execute(c)
        .await?;
    let name = &found.settings.name;
    let entry = entries::credential(Action::CredentialDeleted, org, id, name);
    audit::record(c, by, entry).await?;
    Ok(Verdict::Keep(DeleteConfig::Deleted))
}
