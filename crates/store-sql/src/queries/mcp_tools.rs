//! What is known of the tools of MCP servers.

use std::collections::HashMap;

use diesel::prelude::*;
use runloom_domain::{McpServerId, OrgId, Timestamp};
use runloom_store::{
    FoundTool, McpListing, McpToolRecord, StoreError, UnknownTool, Update, approve, discovered,
};

use super::{Conn, RunQueryDsl, mcp_servers};
use crate::failure::{Failure, Verdict};
use crate::rows::mcp_tool::McpToolRow;
use crate::schema::mcp_tools;
use crate::text::storable;
use crate::types::Id;

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
async fn of(c: &mut Conn, org: OrgId, server: McpServerId) -> Result<Vec<McpToolRecord>, Failure> {
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

async fn put(c: &mut Conn, listing: &McpListing) -> Result<(), Failure> {
    let place = (listing.server.org_id, listing.server.server_id);
    let before = mcp_tools::table
        .filter(mcp_tools::org_id.eq(Id::from(place.0)))
        .filter(mcp_tools::server_id.eq(Id::from(place.1)));
    diesel::delete(before).execute(c).await?;
    // One by one: SQLite begins a transaction of its own for several.
    for tool in listing.tools.iter().cloned() {
        diesel::insert_into(mcp_tools::table)
            .values(McpToolRow::new(place, tool)?)
            .execute(c)
            .await?;
    }
    mcp_servers::put(c, listing.server.clone()).await
}

pub(crate) async fn discover(
    c: &mut Conn,
    (org, id): (OrgId, McpServerId),
    expected: u64,
    found: Vec<FoundTool>,
    at: Timestamp,
) -> Result<Verdict<Update<McpListing>>, Failure> {
    storable(found.iter().flat_map(|found| {
        let definition = &found.version.definition;
        let texts = [&found.tool, &definition.name, &definition.description];
        texts.map(String::as_str)
    }))?;
    let mut server = match mcp_servers::seen(c, (org, id), Some(expected)).await? {
        Ok(server) => server,
        Err(missed) => return Ok(Verdict::Undo(missed)),
    };
    let known = of(c, org, id).await?;
    let tools = discovered(&server, known, found, at);
    server.listed_at = Some(at);
    server.version += 1;
    let listing = McpListing { server, tools };
    put(c, &listing).await?;
    Ok(Verdict::Keep(Update::Done(listing)))
}

pub(crate) async fn approve_named(
    c: &mut Conn,
    (org, id): (OrgId, McpServerId),
    expected: Option<u64>,
    names: Option<&[String]>,
    at: Timestamp,
) -> Result<Verdict<Update<Result<McpListing, UnknownTool>>>, Failure> {
    let mut server = match mcp_servers::seen(c, (org, id), expected).await? {
        Ok(server) => server,
        Err(missed) => return Ok(Verdict::Undo(missed)),
    };
    let mut tools = of(c, org, id).await?;
    if let Err(unknown) = approve(&mut tools, names) {
        return Ok(Verdict::Undo(Update::Done(Err(unknown))));
    }
    server.version += 1;
    server.updated_at = at;
    let listing = McpListing { server, tools };
    put(c, &listing).await?;
    Ok(Verdict::Keep(Update::Done(Ok(listing))))
}
