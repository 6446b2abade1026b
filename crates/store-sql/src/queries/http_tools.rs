//! An organisation's HTTP tools.

use diesel::prelude::*;
use runloom_domain::{HttpToolId, OrgId, Timestamp};
use runloom_store::{
    Action, By, DeleteConfig, HttpToolRecord, HttpToolSettings, Idempotency, MAX_HTTP_TOOLS,
    NewHttpTool, Once, Page, PageKey, Paged, StoreError, ToolRefusal, Update, entries,
    http_tool_texts,
};

use super::{Conn, RunQueryDsl, audit, config, dialect};
use crate::failure::{Failure, Verdict};
use crate::rows::http_tool::HttpToolRow;
use crate::schema::http_tools;
use crate::text::storable;
use crate::types::{At, Id};

fn into_records(rows: Vec<HttpToolRow>) -> Result<Vec<HttpToolRecord>, StoreError> {
    let rows = rows.into_iter();
    rows.map(HttpToolRow::into_record).collect()
}

pub(super) async fn all(c: &mut Conn, org: OrgId) -> Result<Vec<HttpToolRecord>, Failure> {
    let rows: Vec<HttpToolRow> = http_tools::table
        .filter(http_tools::org_id.eq(Id::from(org)))
        .order(http_tools::tool_id)
        .select(HttpToolRow::as_select())
        .load(c)
        .await?;
    Ok(into_records(rows)?)
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    id: HttpToolId,
) -> Result<Option<HttpToolRecord>, Failure> {
    let row: Option<HttpToolRow> = http_tools::table
        .find((Id::from(org), Id::from(id)))
        .select(HttpToolRow::as_select())
        .first(c)
        .await
        .optional()?;
    Ok(row.map(HttpToolRow::into_record).transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
) -> Result<Paged<HttpToolRecord>, Failure> {
    use http_tools::{created_at, tool_id};
    let query = http_tools::table
        .filter(http_tools::org_id.eq(Id::from(org)))
        .select(HttpToolRow::as_select());
    let rows: Vec<HttpToolRow> = page!(query, page, created_at, tool_id).load(c).await?;
    let records = into_records(rows)?;
    Ok(Paged::from_surplus(records, page.limit, |row| PageKey {
        created_at: row.created_at,
        id: row.tool_id.as_uuid(),
    }))
}

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewHttpTool,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<Result<(), ToolRefusal>>>, Failure> {
    if let Some(answer) = config::begin_once(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable(http_tool_texts(&new.settings))?;
    let others = all(c, new.org_id).await?;
    let refusal = if others.len() as u64 >= MAX_HTTP_TOOLS {
        Some(ToolRefusal::TooMany)
    } else {
        is_taken(&others, new.tool_id, &new.settings).then_some(ToolRefusal::Taken)
    };
    if let Some(refusal) = refusal {
        return Ok(Verdict::Undo(Once::Done(Err(refusal))));
    }
    let created = entries::http_tool_created(&new);
    diesel::insert_into(http_tools::table)
        .values(HttpToolRow::new(new.into())?)
        .execute(c)
        .await?;
    audit::record(c, by, created).await?;
    Ok(Verdict::Keep(Once::Done(Ok(()))))
}

fn is_taken(others: &[HttpToolRecord], id: HttpToolId, settings: &HttpToolSettings) -> bool {
    let name = &settings.definition.name;
    let mut others = others.iter().filter(|other| other.tool_id != id);
    others.any(|other| other.settings.definition.name == *name)
}

pub(crate) async fn update(
    c: &mut Conn,
    (org, id): (OrgId, HttpToolId),
    expected: u64,
    settings: HttpToolSettings,
    at: Timestamp,
    by: By,
) -> Result<Verdict<Update<Result<HttpToolRecord, ToolRefusal>>>, Failure> {
    storable(http_tool_texts(&settings))?;
    config::begin_write(c, org).await?;
    let all = all(c, org).await?;
    let Some(found) = all.iter().find(|tool| tool.tool_id == id) else {
        return Ok(Verdict::Undo(Update::Absent));
    };
    if found.version != expected {
        return Ok(Verdict::Undo(Update::Stale));
    }
    if is_taken(&all, id, &settings) {
        return Ok(Verdict::Undo(Update::Done(Err(ToolRefusal::Taken))));
    }
    let changed = HttpToolRecord {
        settings,
        version: expected + 1,
        updated_at: at,
        ..found.clone()
    };
    diesel::update(http_tools::table.find((Id::from(org), Id::from(id))))
        .set(HttpToolRow::new(changed.clone())?)
        .execute(c)
        .await?;
    let (action, name) = (Action::HttpToolChanged, &changed.settings.definition.name);
    audit::record(c, by, entries::http_tool(action, org, id, name)).await?;
    Ok(Verdict::Keep(Update::Done(Ok(changed))))
}

pub(crate) async fn delete(
    c: &mut Conn,
    org: OrgId,
    id: HttpToolId,
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
    let runs = config::runs_using(c, org, id.as_uuid()).await?;
    if runs > 0 {
        return Ok(Verdict::Undo(DeleteConfig::InUse { routes: 0, runs }));
    }
    diesel::delete(http_tools::table.find((Id::from(org), Id::from(id))))
        .execute(c)
        .await?;
    let (action, name) = (Action::HttpToolDeleted, &found.settings.definition.name);
    audit::record(c, by, entries::http_tool(action, org, id, name)).await?;
    Ok(Verdict::Keep(DeleteConfig::Deleted))
}
