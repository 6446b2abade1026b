//! Runs as they are read.

use diesel::prelude::*;
use runloom_domain::{NodeId, OrgId, RunId, RunStatus, ThreadId};
use runloom_store::{OwnedRun, Page, PageKey, Paged, RunFilter, RunHead, RunRecord, StoreError};

use super::{Conn, RunQueryDsl};
use crate::failure::Failure;
use crate::newest::IsAmongNewest;
use crate::predicate::IsLive;
use crate::rows::run::{HeadRow, RunJoins, RunRow};
use crate::schema::{credit_entries, run_heads, runs, users};
use crate::types::{At, Id};

/// How many children are read at once.
const CHILDREN: i64 = 100;

pub(crate) async fn head(c: &mut Conn, org: OrgId, run: RunId) -> Result<Option<RunHead>, Failure> {
    let row: Option<(HeadRow, Option<At>)> = run_heads::table
        .inner_join(
            runs::table.on(runs::org_id
                .eq(run_heads::org_id)
                .and(runs::run_id.eq(run_heads::run_id))),
        )
        .filter(run_heads::org_id.eq(Id::from(org)))
        .filter(run_heads::run_id.eq(Id::from(run)))
        .select((HeadRow::as_select(), runs::events_expired_at))
        .first(c)
        .await
        .optional()?;
    Ok(row
        .map(|(head, expired_at)| head.into_head(expired_at))
        .transpose()?)
}

pub(crate) async fn live(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
) -> Result<Option<RunId>, Failure> {
    let found: Option<Id> = run_heads::table
        .filter(run_heads::org_id.eq(Id::from(org)))
        .filter(run_heads::thread_id.eq(Id::from(thread)))
        .filter(IsLive)
        .select(run_heads::run_id)
        .first(c)
        .await
        .optional()?;
    Ok(found.map(RunId::from))
}

pub(crate) async fn owned(c: &mut Conn, node: NodeId) -> Result<Vec<OwnedRun>, Failure> {
    let rows: Vec<(Id, Id, i64)> = run_heads::table
        .filter(run_heads::owner_node.eq(Id::from(node)))
        .select((run_heads::org_id, run_heads::run_id, run_heads::epoch))
        .load(c)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(org, run, epoch)| OwnedRun {
            org_id: org.into(),
            run_id: run.into(),
            epoch: epoch as u64,
        })
        .collect())
}

pub(crate) async fn cancelling(c: &mut Conn, node: NodeId) -> Result<Vec<(OrgId, RunId)>, Failure> {
    let rows: Vec<(Id, Id)> = run_heads::table
        .filter(run_heads::owner_node.eq(Id::from(node)))
        .filter(run_heads::status.eq(RunStatus::Cancelling.as_str()))
        .select((run_heads::org_id, run_heads::run_id))
        .load(c)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(org, run)| (org.into(), run.into()))
        .collect())
}

/// The wide rows with all that lists show beside them.
macro_rules! records {
    () => {
        runs::table
            .inner_join(
                run_heads::table.on(run_heads::org_id
                    .eq(runs::org_id)
                    .and(run_heads::run_id.eq(runs::run_id))),
            )
            .left_join(
                credit_entries::table.on(credit_entries::org_id
                    .eq(runs::org_id)
                    .and(credit_entries::run_id.eq(runs::run_id))),
            )
            .left_join(users::table.on(users::user_id.eq(runs::created_by)))
            .select((
                RunRow::as_select(),
                (
                    run_heads::status,
                    credit_entries::credits.nullable(),
                    users::login.nullable(),
                    users::email.nullable(),
                ),
            ))
    };
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    run: RunId,
) -> Result<Option<RunRecord>, Failure> {
    let row: Option<(RunRow, RunJoins)> = records!()
        .filter(runs::org_id.eq(Id::from(org)))
        .filter(runs::run_id.eq(Id::from(run)))
        .first(c)
        .await
        .optional()?;
    Ok(row.map(|(row, joins)| row.into_record(joins)).transpose()?)
}

/// The first runs that `parent` has spawned.
pub(crate) async fn children(
    c: &mut Conn,
    org: OrgId,
    parent: RunId,
) -> Result<Vec<RunRecord>, Failure> {
    let rows: Vec<(RunRow, RunJoins)> = records!()
        .filter(runs::org_id.eq(Id::from(org)))
        .filter(runs::parent_run_id.eq(Id::from(parent)))
        .order((runs::created_at, runs::run_id))
        .limit(CHILDREN)
        .load(c)
        .await?;
    let records = rows.into_iter().map(|(row, joins)| row.into_record(joins));
    Ok(records.collect::<Result<Vec<_>, StoreError>>()?)
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    filter: RunFilter,
    page: Page,
) -> Result<Paged<RunRecord>, Failure> {
    use runs::{created_at, run_id};
    let mut query = records!()
        .filter(runs::org_id.eq(Id::from(org)))
        .into_boxed();
    if let Some(parent) = filter.parent_run_id {
        query = query.filter(runs::parent_run_id.eq(Id::from(parent)));
    }
    if let Some(thread) = filter.thread_id {
        query = query.filter(runs::thread_id.eq(Id::from(thread)));
    }
    if let Some(person) = filter.created_by {
        query = query.filter(runs::created_by.eq(Id::from(person)));
    }
    let surplus = page.limit.saturating_add(1);
    if filter.goes_by_id() {
        let newest = IsAmongNewest {
            org: org.into(),
            statuses: filter.statuses,
            before: page.before.map(|key| Id(key.id)),
            limit: surplus,
        };
        query = query.filter(newest).order(run_id.desc());
    } else {
        query = query.order((created_at.desc(), run_id.desc()));
        if filter.is_without_children() {
            query = query.filter(runs::parent_run_id.is_null());
        }
        if !filter.statuses.is_empty() {
            let names = filter.statuses.iter().map(|status| status.as_str());
            query = query.filter(run_heads::status.eq_any(names.collect::<Vec<_>>()));
        }
        if let Some(key) = page.before {
            let (at, id) = (At(key.created_at), Id(key.id));
            query = query
                .filter(created_at.le(at))
                .filter(created_at.lt(at).or(run_id.lt(id)));
        }
    }
    let rows: Vec<(RunRow, RunJoins)> = query.limit(i64::from(surplus)).load(c).await?;
    let records = rows
        .into_iter()
        .map(|(row, joins)| row.into_record(joins))
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Paged::from_surplus(records, page.limit, |run| PageKey {
        created_at: run.created_at,
        id: run.run_id.as_uuid(),
    }))
}
