//! Runs that other runs spawn.

use diesel::prelude::*;
use runloom_domain::{OrgId, RunId, RunStatus, ThreadId};
use runloom_store::{NewThread, Wake};

use super::{Conn, RunQueryDsl, dialect};
use crate::failure::Failure;
use crate::rows::run::status;
use crate::rows::thread::NewThreadRow;
use crate::schema::{run_heads, runs, threads};
use crate::text::storable;
use crate::types::Id;

/// Makes the thread of a child in the transaction that creates it. Returns the thread of the
/// first run that the child descends from; `None` when the parent isn't there or has ended.
///
/// The parent is read without a lock, since a transaction changes one run: it may end before this
/// one is committed, and then the child is found as an orphan.
pub(super) async fn make_thread(
    c: &mut Conn,
    parent: RunId,
    thread: NewThread,
) -> Result<Option<ThreadId>, Failure> {
    let found: Option<(String, Id, Option<Id>)> = run_heads::table
        .inner_join(
            runs::table.on(runs::org_id
                .eq(run_heads::org_id)
                .and(runs::run_id.eq(run_heads::run_id))),
        )
        .filter(run_heads::org_id.eq(Id::from(thread.org_id)))
        .filter(run_heads::run_id.eq(Id::from(parent)))
        .select((
            run_heads::status,
            run_heads::thread_id,
            runs::root_thread_id,
        ))
        .first(c)
        .await
        .optional()?;
    let Some((text, own, root)) = found else {
        return Ok(None);
    };
    if status(parent.into(), &text)?.is_terminal() {
        return Ok(None);
    }
    storable(thread.title.as_deref())?;
    diesel::insert_into(threads::table)
        .values(NewThreadRow::hidden(thread))
        .execute(c)
        .await?;
    Ok(Some(root.unwrap_or(own).into()))
}

/// Makes a run due that rests.
pub(crate) async fn hasten(
    c: &mut Conn,
    now: dialect::Now,
    org: OrgId,
    run: RunId,
) -> Result<bool, Failure> {
    let resting = run_heads::table
        .find((Id::from(org), Id::from(run)))
        .filter(run_heads::status.eq(RunStatus::Running.as_str()))
        .filter(run_heads::owner_node.is_null())
        .filter(run_heads::wake_at.gt(now.due(Wake::Now)));
    let due = diesel::update(resting)
        .set(run_heads::wake_at.eq(now.due(Wake::Now)))
        .execute(c)
        .await?;
    Ok(due == 1)
}
