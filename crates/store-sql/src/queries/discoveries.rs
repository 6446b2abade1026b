//! When MCP servers are asked for their tools, and what comes of it.

use std::time::Duration;

use diesel::prelude::*;
use runloom_domain::{McpServerId, OrgId, Timestamp};
use runloom_store::{
    DiscoveryError, FoundTool, McpListing, Update, Wake, WantedDiscovery, discovered,
    lists_the_same,
};

use super::{Conn, RunQueryDsl, config, dialect, mcp_servers, mcp_tools};
use crate::failure::{Failure, Verdict};
use crate::schema::mcp_servers as servers;
use crate::text::storable;
use crate::types::{At, Id};

/// Whoever comes second waits for the rows, and then finds that they aren't due any more.
pub(crate) async fn claim(
    c: &mut Conn,
    now: dialect::Now,
    limit: u32,
    hold: Duration,
) -> Result<Verdict<Vec<(OrgId, McpServerId)>>, Failure> {
    let due = servers::table
        .filter(servers::enabled)
        .filter(servers::discover_at.assume_not_null().le(now.moment()))
        .order((servers::discover_at, servers::server_id))
        .limit(limit.into())
        .select((servers::org_id, servers::server_id));
    let due: Vec<(Id, Id)> = dialect::locked!(due).load(c).await?;
    if due.is_empty() {
        return Ok(Verdict::Undo(vec![]));
    }
    for place in &due {
        diesel::update(servers::table.find(*place))
            .set(servers::discover_at.eq(now.due(Wake::After(hold))))
            .execute(c)
            .await?;
    }
    let due = due.into_iter();
    let due = due.map(|(org, server)| (org.into(), server.into()));
    Ok(Verdict::Keep(due.collect()))
}

pub(super) async fn due_now(
    c: &mut Conn,
    now: dialect::Now,
    (org, server): (OrgId, McpServerId),
) -> QueryResult<()> {
    diesel::update(servers::table.find((Id::from(org), Id::from(server))))
        .set(servers::discover_at.eq(now.due(Wake::Now)))
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn want(
    c: &mut Conn,
    now: dialect::Now,
    org: OrgId,
    wanted: WantedDiscovery,
) -> Result<Verdict<()>, Failure> {
    match wanted {
        WantedDiscovery::Server(server) => due_now(c, now, (org, server)).await?,
        WantedDiscovery::AskedBefore(before) => {
            let own = servers::org_id.eq(Id::from(org));
            let old = servers::asked_at.assume_not_null().lt(At(before));
            let later = servers::discover_at.assume_not_null().gt(now.moment());
            let answered = servers::error_class.is_null();
            diesel::update(servers::table.filter(own.and(old).and(later).and(answered)))
                .set(servers::discover_at.eq(now.due(Wake::Now)))
                .execute(c)
                .await?;
        }
    }
    Ok(Verdict::Keep(()))
}

/// Puts off when the server is asked next, unless somebody has wanted it meanwhile.
async fn put_off(
    c: &mut Conn,
    now: dialect::Now,
    (org, server): (OrgId, McpServerId),
    next: Duration,
) -> QueryResult<()> {
    let row = servers::table.find((Id::from(org), Id::from(server)));
    let unwanted = servers::discover_at.assume_not_null().gt(now.moment());
    diesel::update(row.filter(unwanted))
        .set(servers::discover_at.eq(now.due(Wake::After(next))))
        .execute(c)
        .await?;
    Ok(())
}

pub(crate) async fn put(
    c: &mut Conn,
    (now, next): (dialect::Now, Duration),
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
    config::lock(c, org).await?;
    let mut server = match mcp_servers::as_expected(c, (org, id), Some(expected)).await? {
        Ok(server) => server,
        Err(missed) => return Ok(Verdict::Undo(missed)),
    };
    let known = mcp_tools::of(c, org, id).await?;
    let tools = discovered(&server, known.clone(), found, at);
    let is_known = server.listed_at.is_some() && lists_the_same(&known, &tools);
    server.answered(at);
    if is_known {
        mcp_servers::put(c, server.clone()).await?;
    } else {
        config::begin_write(c, org).await?;
        server.version += 1;
        mcp_tools::put(c, &server, &known, &tools).await?;
    }
    mcp_tools::seen(c, (org, id), at).await?;
    put_off(c, now, (org, id), next).await?;
    Ok(Verdict::Keep(Update::Done(McpListing { server, tools })))
}

pub(crate) async fn put_failure(
    c: &mut Conn,
    (now, next): (dialect::Now, Duration),
    (org, id): (OrgId, McpServerId),
    expected: u64,
    failed: DiscoveryError,
    at: Timestamp,
) -> Result<Verdict<Update<()>>, Failure> {
    storable([failed.class.as_str(), &failed.message])?;
    config::lock(c, org).await?;
    let mut server = match mcp_servers::as_expected(c, (org, id), Some(expected)).await? {
        Ok(server) => server,
        Err(missed) => return Ok(Verdict::Undo(missed)),
    };
    server.failed(failed, at);
    mcp_servers::put(c, server).await?;
    put_off(c, now, (org, id), next).await?;
    Ok(Verdict::Keep(Update::Done(())))
}
