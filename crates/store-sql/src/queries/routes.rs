//! An organisation's own routes.

use diesel::prelude::*;
use runloom_domain::{OrgId, RouteId, Timestamp};
use runloom_store::{
    Action, By, DeleteConfig, Idempotency, MAX_ROUTES, NewRoute, Once, Page, PageKey, Paged,
    RouteRecord, RouteRefusal, RouteSettings, StoreError, Update, entries, refused_fallback,
};

use super::{Conn, RunQueryDsl, audit, config, credentials, dialect};
use crate::failure::{Failure, Verdict};
use crate::rows::route::RouteRow;
use crate::schema::{llm_credentials, llm_routes};
use crate::text::storable;
use crate::types::{At, Id};

/// The routes of an organisation with the kinds of their credentials.
macro_rules! records {
    ($org:expr) => {
        llm_routes::table
            .inner_join(
                llm_credentials::table.on(llm_credentials::org_id
                    .eq(llm_routes::org_id)
                    .and(llm_credentials::credential_id.eq(llm_routes::credential_id))),
            )
            .filter(llm_routes::org_id.eq(Id::from($org)))
            .select((RouteRow::as_select(), llm_credentials::provider))
    };
}

type Row = (RouteRow, String);

fn into_records(rows: Vec<Row>) -> Result<Vec<RouteRecord>, StoreError> {
    let records = rows.into_iter();
    records
        .map(|(row, provider)| row.into_record(provider))
        .collect()
}

pub(super) async fn all(c: &mut Conn, org: OrgId) -> Result<Vec<RouteRecord>, Failure> {
    let rows: Vec<Row> = records!(org).load(c).await?;
    Ok(into_records(rows)?)
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    id: RouteId,
) -> Result<Option<RouteRecord>, Failure> {
    let row: Option<Row> = records!(org)
        .filter(llm_routes::route_id.eq(Id::from(id)))
        .first(c)
        .await
        .optional()?;
    Ok(row
        .map(|(row, provider)| row.into_record(provider))
        .transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
) -> Result<Paged<RouteRecord>, Failure> {
    use llm_routes::{created_at, route_id};
    let rows: Vec<Row> = page!(records!(org), page, created_at, route_id)
        .load(c)
        .await?;
    let records = into_records(rows)?;
    Ok(Paged::from_surplus(records, page.limit, |row| PageKey {
        created_at: row.created_at,
        id: row.route_id.as_uuid(),
    }))
}

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewRoute,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<Result<(), RouteRefusal>>>, Failure> {
    if let Some(answer) = config::begin_once(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    check(&new.settings)?;
    let others = all(c, new.org_id).await?;
    let refusal = match others.len() as u64 {
        full if full >= MAX_ROUTES => Err(RouteRefusal::TooMany),
        _ => provider(c, (new.org_id, new.route_id), &new.settings, &others).await?,
    };
    let provider = match refusal {
        Ok(provider) => provider,
        Err(refusal) => return Ok(Verdict::Undo(Once::Done(Err(refusal)))),
    };
    let record = RouteRecord {
        org_id: new.org_id,
        route_id: new.route_id,
        provider,
        settings: new.settings,
        version: 1,
        created_by: new.created_by,
        created_at: new.created_at,
        updated_at: new.created_at,
    };
    let (action, model) = (Action::RouteCreated, &record.settings.model);
    let created = entries::route(action, record.org_id, record.route_id, model);
    diesel::insert_into(llm_routes::table)
        .values(RouteRow::new(record)?)
        .execute(c)
        .await?;
    audit::record(c, by, created).await?;
    Ok(Verdict::Keep(Once::Done(Ok(()))))
}

fn check(settings: &RouteSettings) -> Result<(), StoreError> {
    storable(
        [settings.model.as_str()]
            .into_iter()
            .chain(settings.fallback.as_deref()),
    )
}

/// The kind of the route's credential, or why the route can't be as it is to be.
async fn provider(
    c: &mut Conn,
    (org, id): (OrgId, RouteId),
    settings: &RouteSettings,
    routes: &[RouteRecord],
) -> Result<Result<String, RouteRefusal>, Failure> {
    let Some(credential) = credentials::get(c, org, settings.credential_id).await? else {
        return Ok(Err(RouteRefusal::NoCredential));
    };
    let next = routes.iter();
    let next = next.map(|route| (route.route_id, route.settings.own_fallback()));
    let refused = settings
        .own_fallback()
        .and_then(|fallback| refused_fallback(id, fallback, &next.collect()));
    Ok(match refused {
        Some(refusal) => Err(refusal),
        None => Ok(credential.provider),
    })
}

pub(crate) async fn update(
    c: &mut Conn,
    (org, id): (OrgId, RouteId),
    expected: u64,
    settings: RouteSettings,
    at: Timestamp,
    by: By,
) -> Result<Verdict<Update<Result<RouteRecord, RouteRefusal>>>, Failure> {
    check(&settings)?;
    config::begin_write(c, org).await?;
    let routes = all(c, org).await?;
    let Some(found) = routes.iter().find(|route| route.route_id == id) else {
        return Ok(Verdict::Undo(Update::Absent));
    };
    if found.version != expected {
        return Ok(Verdict::Undo(Update::Stale));
    }
    let provider = match provider(c, (org, id), &settings, &routes).await? {
        Ok(provider) => provider,
        Err(refusal) => return Ok(Verdict::Undo(Update::Done(Err(refusal)))),
    };
    let changed = RouteRecord {
        provider,
        settings,
        version: expected + 1,
        updated_at: at,
        ..found.clone()
    };
    diesel::update(llm_routes::table.find((Id::from(org), Id::from(id))))
        .set(RouteRow::new(changed.clone())?)
        .execute(c)
        .await?;
    let (action, model) = (Action::RouteChanged, &changed.settings.model);
    audit::record(c, by, entries::route(action, org, id, model)).await?;
    Ok(Verdict::Keep(Update::Done(Ok(changed))))
}

pub(crate) async fn delete(
    c: &mut Conn,
    org: OrgId,
    id: RouteId,
    expected: Option<u64>,
    by: By,
) -> Result<Verdict<DeleteConfig>, Failure> {
    config::begin_write(c, org).await?;
    let all = all(c, org).await?;
    let Some(found) = all.iter().find(|route| route.route_id == id) else {
        return Ok(Verdict::Undo(DeleteConfig::Absent));
    };
    if expected.is_some_and(|expected| expected != found.version) {
        return Ok(Verdict::Undo(DeleteConfig::Stale));
    }
    let refers = |route: &&RouteRecord| route.settings.own_fallback() == Some(id);
    let routes = all.iter().filter(refers).count() as u64;
    let runs = config::runs_using(c, org, id.as_uuid()).await?;
    if routes + runs > 0 {
        return Ok(Verdict::Undo(DeleteConfig::InUse { routes, runs }));
    }
    diesel::delete(llm_routes::table.find((Id::from(org), Id::from(id))))
        .execute(c)
        .await?;
    let (action, model) = (Action::RouteDeleted, &found.settings.model);
    audit::record(c, by, entries::route(action, org, id, model)).await?;
    Ok(Verdict::Keep(DeleteConfig::Deleted))
}
