//! An organisation's MCP servers.

use diesel::prelude::*;
use runloom_domain::{McpServerId, OrgId, Timestamp};
use runloom_store::{
    Action, By, DeleteConfig, Idempotency, MAX_MCP_SERVERS, McpServerRecord, McpServerSettings,
    NewMcpServer, Once, Page, PageKey, Paged, StoreError, ToolRefusal, Update, entries,
    mcp_server_texts,
};

use super::{Conn, RunQueryDsl, audit, config, dialect, discoveries};
use crate::failure::{Failure, Verdict};
use crate::rows::mcp_server::McpServerRow;
use crate::schema::{mcp_servers, mcp_tools};
use crate::text::storable;
use crate::types::{At, Id};

fn into_records(rows: Vec<McpServerRow>) -> Result<Vec<McpServerRecord>, StoreError> {
    let rows = rows.into_iter();
    rows.map(McpServerRow::into_record).collect()
}

pub(super) async fn all(c: &mut Conn, org: OrgId) -> Result<Vec<McpServerRecord>, Failure> {
    let rows: Vec<McpServerRow> = mcp_servers::table
        .filter(mcp_servers::org_id.eq(Id::from(org)))
        .order(mcp_servers::server_id)
        .select(McpServerRow::as_select())
        .load(c)
        .await?;
    Ok(into_records(rows)?)
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    id: McpServerId,
) -> Result<Option<McpServerRecord>, Failure> {
    let row: Option<McpServerRow> = mcp_servers::table
        .find((Id::from(org), Id::from(id)))
        .select(McpServerRow::as_select())
        .first(c)
        .await
        .optional()?;
    Ok(row.map(McpServerRow::into_record).transpose()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
) -> Result<Paged<McpServerRecord>, Failure> {
    use mcp_servers::{created_at, server_id};
    let query = mcp_servers::table
        .filter(mcp_servers::org_id.eq(Id::from(org)))
        .select(McpServerRow::as_select());
    let rows: Vec<McpServerRow> = page!(query, page, created_at, server_id).load(c).await?;
    let records = into_records(rows)?;
    Ok(Paged::from_surplus(records, page.limit, |row| PageKey {
        created_at: row.created_at,
        id: row.server_id.as_uuid(),
    }))
}

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewMcpServer,
    once: Option<Idempotency>,
    by: By,
) -> Result<Verdict<Once<Result<(), ToolRefusal>>>, Failure> {
    if let Some(answer) = config::begin_once(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable(mcp_server_texts(&new.settings).chain([new.key.as_str()]))?;
    let others = all(c, new.org_id).await?;
    let refusal = if others.len() as u64 >= MAX_MCP_SERVERS {
        Some(ToolRefusal::TooMany)
    } else {
        let mut keys = others.iter().map(|other| &other.key);
        keys.any(|key| *key == new.key)
            .then_some(ToolRefusal::Taken)
    };
    if let Some(refusal) = refusal {
        return Ok(Verdict::Undo(Once::Done(Err(refusal))));
    }
    let created = entries::mcp_server_created(&new);
    diesel::insert_into(mcp_servers::table)
        .values(McpServerRow::new(new.into())?)
        .execute(c)
        .await?;
    audit::record(c, by, created).await?;
    Ok(Verdict::Keep(Once::Done(Ok(()))))
}

/// The server in the version that is expected, if one is; begins a write. `Err` is the call's
/// answer.
pub(super) async fn seen<T>(
    c: &mut Conn,
    (org, id): (OrgId, McpServerId),
    expected: Option<u64>,
) -> Result<Result<McpServerRecord, Update<T>>, Failure> {
    config::begin_write(c, org).await?;
    as_expected(c, (org, id), expected).await
}

/// The same where the lock has been taken already.
pub(super) async fn as_expected<T>(
    c: &mut Conn,
    (org, id): (OrgId, McpServerId),
    expected: Option<u64>,
) -> Result<Result<McpServerRecord, Update<T>>, Failure> {
    let Some(found) = get(c, org, id).await? else {
        return Ok(Err(Update::Absent));
    };
    if expected.is_some_and(|expected| expected != found.version) {
        return Ok(Err(Update::Stale));
    }
    Ok(Ok(found))
}

/// Writes the server as it is now.
pub(super) async fn put(c: &mut Conn, record: McpServerRecord) -> Result<(), Failure> {
    let place = (Id::from(record.org_id), Id::from(record.server_id));
    diesel::update(mcp_servers::table.find(place))
        .set(McpServerRow::new(record)?)
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn update(
    c: &mut Conn,
    now: dialect::Now,
    place: (OrgId, McpServerId),
    expected: u64,
    settings: McpServerSettings,
    at: Timestamp,
    by: By,
) -> Result<Verdict<Update<McpServerRecord>>, Failure> {
    storable(mcp_server_texts(&settings))?;
    let found = match seen(c, place, Some(expected)).await? {
        Ok(found) => found,
        Err(missed) => return Ok(Verdict::Undo(missed)),
    };
    let is_asked_anew = !settings.is_asked_as(&found.settings);
    let changed = found.changed(settings, at);
    put(c, changed.clone()).await?;
    if is_asked_anew {
        discoveries::due_now(c, now, place).await?;
    }
    let (action, key) = (Action::McpServerChanged, &changed.key);
    audit::record(c, by, entries::mcp_server(action, place.0, place.1, key)).await?;
    Ok(Verdict::Keep(Update::Done(changed)))
}

pub(crate) async fn delete(
    c: &mut Conn,
    (org, id): (OrgId, McpServerId),
    expected: Option<u64>,
    by: By,
) -> Result<Verdict<DeleteConfig>, Failure> {
    let server = match seen::<()>(c, (org, id), expected).await? {
        Ok(server) => server,
        Err(Update::Stale) => return Ok(Verdict::Undo(DeleteConfig::Stale)),
        Err(_) => return Ok(Verdict::Undo(DeleteConfig::Absent)),
    };
    let runs = config::runs_using(c, org, id.as_uuid()).await?;
    if runs > 0 {
        return Ok(Verdict::Undo(DeleteConfig::InUse { routes: 0, runs }));
    }
    let tools = mcp_tools::table
        .filter(mcp_tools::org_id.eq(Id::from(org)))
        .filter(mcp_tools::server_id.eq(Id::from(id)));
    diesel::delete(tools).execute(c).await?;
    diesel::delete(mcp_servers::table.find((Id::from(org), Id::from(id))))
        .execute(c)
        .await?;
    let (action, key) = (Action::McpServerDeleted, &server.key);
    audit::record(c, by, entries::mcp_server(action, org, id, key)).await?;
    Ok(Verdict::Keep(DeleteConfig::Deleted))
}
