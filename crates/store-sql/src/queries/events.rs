//! The log as it is read, and what events refer to.

use diesel::prelude::*;
use runloom_domain::{OrgId, RunId, StoredEvent, ToolCallId};
use runloom_store::{Content, StoreError};

use super::{Conn, RunQueryDsl};
use crate::failure::Failure;
use crate::predicate::IsNoDelta;
use crate::rows::event::EventRow;
use crate::rows::signed;
use crate::schema::{contents, events, tool_outputs};
use crate::types::Id;

/// The events of a run after `after`, in order.
macro_rules! after {
    ($org:expr, $run:expr, $after:expr, $limit:expr) => {
        events::table
            .filter(events::org_id.eq(Id::from($org)))
            .filter(events::run_id.eq(Id::from($run)))
            .filter(events::seq.gt(signed($after)))
            .select(EventRow::as_select())
            .order(events::seq)
            .limit(i64::from($limit))
    };
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    run: RunId,
    after: u64,
    limit: u32,
) -> Result<Vec<StoredEvent>, Failure> {
    let rows: Vec<EventRow> = after!(org, run, after, limit).load(c).await?;
    Ok(domain(run, rows)?)
}

pub(crate) async fn log(
    c: &mut Conn,
    org: OrgId,
    run: RunId,
    after: u64,
    limit: u32,
) -> Result<Vec<StoredEvent>, Failure> {
    let rows: Vec<EventRow> = after!(org, run, after, limit)
        .filter(IsNoDelta)
        .load(c)
        .await?;
    Ok(domain(run, rows)?)
}

fn domain(run: RunId, rows: Vec<EventRow>) -> Result<Vec<StoredEvent>, StoreError> {
    rows.into_iter().map(|row| row.into_event(run)).collect()
}

pub(crate) async fn contents(
    c: &mut Conn,
    org: OrgId,
    hashes: Vec<String>,
) -> Result<Vec<Content>, Failure> {
    let rows: Vec<(String, String)> = contents::table
        .filter(contents::org_id.eq(Id::from(org)))
        .filter(contents::hash.eq_any(hashes))
        .select((contents::hash, contents::body))
        .load(c)
        .await?;
    let content = |(hash, body)| Content { hash, body };
    Ok(rows.into_iter().map(content).collect())
}

pub(crate) async fn tool_output(
    c: &mut Conn,
    org: OrgId,
    run: RunId,
    call: ToolCallId,
) -> Result<Option<String>, Failure> {
    Ok(tool_outputs::table
        .find((Id::from(org), Id::from(run), Id::from(call)))
        .select(tool_outputs::content)
        .first(c)
        .await
        .optional()?)
}
