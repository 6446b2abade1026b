//! What is known of the tools of MCP servers.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use runloom_domain::{McpServerId, OrgId, Timestamp};
use runloom_store::{
    By, McpListing, McpServerRecord, McpToolRecord, McpToolState, StoreError, UnknownTool, Update,
    approve, entries,
};

use super::{Conn, RunQueryDsl, audit, dialect, mcp_servers};
use crate::failure::{Failure, Verdict};
use crate::rows::mcp_tool::McpToolRow;
use crate::schema::mcp_tools;
use crate::types::{At, Id};

pub(super) async fn listings(c: &mut Conn, org: OrgId) -> Result<Vec<McpListing>, Failure> {
    let servers = mcp_servers::all(c, org).await?;
    if servers.is_empty() {
        return Ok(vec![]);
    }
    let rows: Vec<McpToolRow> = mcp_tools::table
        .filter(mcp_tools::org_id.eq(Id::from(org)))
        .order(mcp_tools::tool)
        .select(McpToolRow::as_select())
        .load(c)
        .await?;
    let mut tools: HashMap<McpServerId, Vec<McpToolRecord>> = HashMap::new();
    for row in rows {
        let of = tools.entry(row.server()).or_default();
        of.push(row.into_record()?);
    }
    let listings = servers.into_iter().map(|server| McpListing {
        tools: tools.remove(&server.server_id).unwrap_or_default(),
        server,
    });
    Ok(listings.collect())
}

/// The tools of a server, sorted as Rust sorts: databases have orders of their own.
pub(super) async fn of(
    c: &mut Conn,
    org: OrgId,
    server: McpServerId,
) -> Result<Vec<McpToolRecord>, Failure> {
    let rows: Vec<McpToolRow> = mcp_tools::table
        .filter(mcp_tools::org_id.eq(Id::from(org)))
        .filter(mcp_tools::server_id.eq(Id::from(server)))
        .select(McpToolRow::as_select())
        .load(c)
        .await?;
    let tools = rows.into_iter().map(McpToolRow::into_record);
    let mut tools = tools.collect::<Result<Vec<_>, StoreError>>()?;
    tools.sort_by(|a, b| a.tool.cmp(&b.tool));
    Ok(tools)
}

pub(crate) async fn listing(
    c: &mut Conn,
    org: OrgId,
    id: McpServerId,
) -> Result<Option<McpListing>, Failure> {
    let Some(server) = mcp_servers::get(c, org, id).await? else {
        return Ok(None);
    };
    let tools = of(c, org, id).await?;
    Ok(Some(McpListing { server, tools }))
}

/// Notes that all tools that aren't gone were listed at this moment.
pub(super) async fn seen(
    c: &mut Conn,
    (org, server): (OrgId, McpServerId),
    at: Timestamp,
) -> QueryResult<()> {
    let own = mcp_tools::org_id.eq(Id::from(org));
    let own = own.and(mcp_tools::server_id.eq(Id::from(server)));
    let there = mcp_tools::state.ne(McpToolState::Gone.as_str());
    diesel::update(mcp_tools::table.filter(own.and(there)))
        .set(mcp_tools::seen_at.eq(At(at)))
        .execute(c)
        .await?;
    Ok(())
}

/// Writes the server, and those of its tools that aren't as they were.
pub(super) async fn put(
    c: &mut Conn,
    server: &McpServerRecord,
    before: &[McpToolRecord],
    after: &[McpToolRecord],
) -> Result<(), Failure> {
    let (org, id) = (server.org_id, server.server_id);
    let before: HashMap<&str, &McpToolRecord> = before
        .iter()
        .map(|tool| (tool.tool.as_str(), tool))
        .collect();
    let stays = |tool: &McpToolRecord| {
        let known = before.get(tool.tool.as_str());
        known.is_some_and(|known| known.is_the_same(tool))
    };
    let (same, new): (Vec<_>, Vec<_>) = after.iter().partition(|tool| stays(tool));
    let same: HashSet<&str> = same.iter().map(|tool| tool.tool.as_str()).collect();
    let old = before.into_keys().filter(|tool| !same.contains(tool));
    let old = mcp_tools::table
        .filter(mcp_tools::org_id.eq(Id::from(org)))
        .filter(mcp_tools::server_id.eq(Id::from(id)))
        .filter(mcp_tools::tool.eq_any(old.collect::<Vec<_>>()));
    diesel::delete(old).execute(c).await?;
    let rows = new.into_iter().cloned();
    let rows = rows.map(|tool| McpToolRow::new((org, id), tool));
    dialect::insert_tools(c, rows.collect::<Result<Vec<_>, StoreError>>()?).await?;
    mcp_servers::put(c, server.clone()).await
}

pub(crate) async fn approve_named(
    c: &mut Conn,
    (org, id): (OrgId, McpServerId),
    expected: Option<u64>,
    names: Option<&[String]>,
    at: Timestamp,
    by: By,
) -> Result<Verdict<Update<Result<McpListing, UnknownTool>>>, Failure> {
    let mut server = match mcp_servers::seen(c, (org, id), expected).await? {
        Ok(server) => server,
        Err(missed) => return Ok(Verdict::Undo(missed)),
    };
    let known = of(c, org, id).await?;
    let mut tools = known.clone();
    if let Err(unknown) = approve(&mut tools, names) {
        return Ok(Verdict::Undo(Update::Done(Err(unknown))));
    }
    server.version += 1;
    server.updated_at = at;
    put(c, &server, &known, &tools).await?;
    let approved = entries::tools_approved(org, id, &server.key, names);
    audit::record(c, by, approved).await?;
    let listing = McpListing { server, tools };
    Ok(Verdict::Keep(Update::Done(Ok(listing))))
}
