//! What is done to threads, each in one journey by a statement that stays prepared.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use futures_util::FutureExt;
use runloom_domain::{OrgId, ThreadId, Timestamp};
use runloom_store::{By, DeleteThread, NewThread, ThreadPatch, ThreadRecord, entries};

use super::lanes::Lent;
use super::queries::{audit, threads};
use super::transaction::transaction;
use super::{Conn, RunQueryDsl};
use crate::failure::Failure;
use crate::fragment::fragment;
use crate::predicate::{IsLive, IsOpen};
use crate::rows::thread::ThreadRow;
use crate::text::storable;
use crate::types::{At, Id, Moment, Uid};

/// Creates a thread.
pub(super) async fn create(lent: &mut Lent, new: NewThread) -> Result<(), Failure> {
    storable_texts([&new.title, &new.metadata])?;
    let row = Create {
        org: new.org_id.into(),
        thread: new.thread_id.into(),
        created_by: new.created_by.into(),
        title: new.title,
        metadata: new.metadata,
        created_at: At(new.created_at),
    };
    let mut begun = lent.begin();
    let written = begun.last(|mut c| async move { row.execute(&mut c).await }.boxed());
    written.await?;
    Ok(())
}

/// Changes a thread, and reads it.
pub(super) async fn update(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
    patch: ThreadPatch,
) -> Result<Option<ThreadRecord>, Failure> {
    storable_texts([&patch.title, &patch.metadata].map(|text| text.as_ref().unwrap_or(&None)))?;
    let update = Update {
        org: org.into(),
        thread: thread.into(),
        sets: [patch.title.is_some(), patch.metadata.is_some()],
        title: patch.title.flatten(),
        metadata: patch.metadata.flatten(),
    };
    let row: Option<(ThreadRow, Option<Id>)> = update.get_result(c).await.optional()?;
    Ok(row.map(|(thread, run)| thread.into_record(run)))
}

/// Marks a thread as deleted. One that isn't there, or has runs that have not ended, takes the
/// transaction that SQLite takes too.
pub(super) async fn delete(
    lent: &mut Lent,
    org: OrgId,
    thread: ThreadId,
    at: Timestamp,
    by: By,
) -> Result<DeleteThread, Failure> {
    let delete = Delete {
        org: org.into(),
        thread: thread.into(),
        at: At(at),
    };
    let mut open = lent.begin();
    let deleted: Option<i64> = delete.get_result(&mut *open).await.optional()?;
    if deleted.is_some() {
        audit::record(&mut open, by, entries::thread_deleted(org, thread)).await?;
        open.commit().await?;
        return Ok(DeleteThread::Deleted);
    }
    drop(open);
    transaction(lent, &mut (), |c, ()| {
        threads::delete(c, org, thread, at, by).boxed()
    })
    .await
}

fn storable_texts(texts: [&Option<String>; 2]) -> Result<(), Failure> {
    let texts = texts.into_iter().flatten().map(String::as_str);
    Ok(storable(texts)?)
}

struct Create {
    org: Id,
    thread: Id,
    created_by: Id,
    title: Option<String>,
    metadata: Option<String>,
    created_at: At,
}

struct Update {
    org: Id,
    thread: Id,
    /// Whether to change the title, and the metadata.
    sets: [bool; 2],
    title: Option<String>,
    metadata: Option<String>,
}

struct Delete {
    org: Id,
    thread: Id,
    at: At,
}

macro_rules! statements {
    ($($name:ident -> $columns:ty;)+) => {$(
        impl Query for $name {
            type SqlType = $columns;
        }

        /// The text is always the same.
        impl QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
    )+};
}

/// The columns of [`ThreadRow`].
type Columns = (Uid, Uid, Uid, Nullable<Text>, Nullable<Text>, Moment);

statements! {
    Create -> BigInt;
    Update -> (Columns, Nullable<Uid>);
    Delete -> BigInt;
}

impl QueryFragment<Pg> for Create {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        fragment!(out;
            "INSERT INTO threads (org_id, thread_id, created_by, title, metadata, created_at)
            VALUES ("
            [Uid: &self.org, Uid: &self.thread, Uid: &self.created_by,
                Nullable<Text>: &self.title, Nullable<Text>: &self.metadata,
                Moment: &self.created_at]
            ")"
        );
        Ok(())
    }
}

impl QueryFragment<Pg> for Update {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let [sets_title, sets_metadata] = &self.sets;
        fragment!(out;
            "UPDATE threads SET title = CASE WHEN " [Bool: sets_title]
            " THEN " [Nullable<Text>: &self.title]
            " ELSE title END, metadata = CASE WHEN " [Bool: sets_metadata]
            " THEN " [Nullable<Text>: &self.metadata]
            " ELSE metadata END WHERE org_id = " [Uid: &self.org]
            " AND thread_id = " [Uid: &self.thread]
            " AND deleted_at IS NULL
            RETURNING org_id, thread_id, created_by, title, metadata, created_at,
            (SELECT run_heads.run_id FROM run_heads WHERE run_heads.org_id = threads.org_id
            AND run_heads.thread_id = threads.thread_id AND "
        );
        IsLive.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// A run that is created after `seen` was read raises the counter of the row that the update
/// then waits for, and the row is left alone.
impl QueryFragment<Pg> for Delete {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        fragment!(out;
            "UPDATE threads SET deleted_at = " [Moment: &self.at]
            " FROM threads seen WHERE seen.org_id = " [Uid: &self.org]
            " AND seen.thread_id = " [Uid: &self.thread]
            " AND threads.org_id = seen.org_id AND threads.thread_id = seen.thread_id
            AND threads.last_turn = seen.last_turn AND threads.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM run_heads WHERE run_heads.org_id = seen.org_id
            AND run_heads.thread_id = seen.thread_id AND "
        );
        IsOpen.walk_ast(out.reborrow())?;
        out.push_sql(") RETURNING threads.last_turn");
        Ok(())
    }
}
