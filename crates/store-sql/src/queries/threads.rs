//! Threads.

use diesel::dsl::not;
use diesel::prelude::*;
use runloom_domain::{OrgId, RunId, RunStatus, ThreadId, Timestamp};
use runloom_store::{
    By, DeleteThread, Idempotency, NewThread, Once, Page, PageKey, Paged, ThreadRecord, entries,
};

use super::{Conn, RunQueryDsl, audit, dialect, keys};
use crate::failure::{Failure, Verdict};
use crate::predicate::{IsLive, IsOpen};
use crate::rows::thread::{NewThreadRow, ThreadRow};
use crate::schema::{run_heads, threads};
use crate::text::storable;
use crate::types::{At, Id};

pub(crate) async fn create(
    c: &mut Conn,
    now: dialect::Now,
    new: NewThread,
    once: Option<Idempotency>,
) -> Result<Verdict<Once<()>>, Failure> {
    if let Some(answer) = keys::take(c, now, new.org_id, once.as_ref()).await? {
        return Ok(Verdict::Undo(answer));
    }
    storable(
        [&new.title, &new.metadata]
            .into_iter()
            .flatten()
            .map(String::as_str),
    )?;
    diesel::insert_into(threads::table)
        .values(NewThreadRow::from(new))
        .execute(c)
        .await?;
    Ok(Verdict::Keep(Once::Done(())))
}

/// The thread's live run, beside the thread.
macro_rules! active_run {
    () => {
        run_heads::table
            .filter(run_heads::org_id.eq(threads::org_id))
            .filter(run_heads::thread_id.eq(threads::thread_id))
            .filter(IsLive)
            .select(run_heads::run_id)
            .single_value()
    };
}

pub(crate) async fn get(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
) -> Result<Option<ThreadRecord>, Failure> {
    let row: Option<(ThreadRow, Option<Id>)> = threads::table
        .find((Id::from(org), Id::from(thread)))
        .filter(threads::deleted_at.is_null())
        .select((ThreadRow::as_select(), active_run!()))
        .first(c)
        .await
        .optional()?;
    Ok(row.map(|(thread, run)| thread.into_record(run)))
}

pub(crate) async fn exists(c: &mut Conn, org: OrgId, thread: ThreadId) -> QueryResult<bool> {
    let found: Option<Id> = threads::table
        .find((Id::from(org), Id::from(thread)))
        .filter(threads::deleted_at.is_null())
        .select(threads::thread_id)
        .first(c)
        .await
        .optional()?;
    Ok(found.is_some())
}

pub(crate) async fn list(
    c: &mut Conn,
    org: OrgId,
    page: Page,
) -> Result<Paged<ThreadRecord>, Failure> {
    use threads::{created_at, thread_id};
    let query = threads::table
        .filter(threads::org_id.eq(Id::from(org)))
        .filter(threads::deleted_at.is_null())
        .filter(not(threads::hidden))
        .select((ThreadRow::as_select(), active_run!()));
    let rows: Vec<(ThreadRow, Option<Id>)> =
        page!(query, page, created_at, thread_id).load(c).await?;
    let records = rows
        .into_iter()
        .map(|(thread, run)| thread.into_record(run))
        .collect();
    Ok(Paged::from_surplus(records, page.limit, |thread| PageKey {
        created_at: thread.created_at,
        id: thread.thread_id.as_uuid(),
    }))
}

/// Marks the thread first, which locks its row: no run can be created while its runs are read.
pub(crate) async fn delete(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
    at: Timestamp,
    by: By,
) -> Result<Verdict<DeleteThread>, Failure> {
    let entry = entries::thread_deleted(org, thread);
    let (org, thread) = (Id::from(org), Id::from(thread));
    let deleted = diesel::update(
        threads::table
            .find((org, thread))
            .filter(threads::deleted_at.is_null()),
    )
    .set(threads::deleted_at.eq(Some(At(at))))
    .execute(c)
    .await?;
    if deleted == 0 {
        return Ok(Verdict::Undo(DeleteThread::NoThread));
    }
    let open: Vec<Id> = run_heads::table
        .filter(run_heads::org_id.eq(org))
        .filter(run_heads::thread_id.eq(thread))
        .filter(IsOpen)
        .filter(run_heads::status.ne(RunStatus::Cancelling.as_str()))
        .order(run_heads::turn.desc())
        .select(run_heads::run_id)
        .load(c)
        .await?;
    if open.is_empty() {
        audit::record(c, by, entry).await?;
        return Ok(Verdict::Keep(DeleteThread::Deleted));
    }
    let open = open.into_iter().map(RunId::from).collect();
    Ok(Verdict::Undo(DeleteThread::Open(open)))
}
