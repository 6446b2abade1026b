//! Who works on which run.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use runloom_domain::NodeId;
use runloom_store::ClaimedRun;

use super::dialect::Now;
use super::verbs::RunQueryDsl;
use super::{Conn, done};
use crate::LEASE;
use crate::failure::Failure;
use crate::rows::run::{ClaimRow, HeadOfClaim, into_claimed};
use crate::schema::{nodes, run_heads, runs, threads};
use crate::types::{At, Id, Moment, Uid};

/// A run waits for its turn while an earlier one of its thread has not ended.
const CLAIM: &str = "
UPDATE run_heads
SET owner_node = ?1, epoch = epoch + 1, attempts = attempts + 1, wake_at = NULL
WHERE rowid IN (
    SELECT due.rowid FROM run_heads AS due
    WHERE due.wake_at <= ?2 AND due.owner_node IS NULL
      AND (due.status <> 'queued' OR NOT EXISTS (
        SELECT 1 FROM run_heads AS other
        WHERE other.org_id = due.org_id AND other.thread_id = due.thread_id
          AND other.status NOT IN ('completed', 'failed', 'cancelled')
          AND (other.turn < due.turn OR other.status <> 'queued')))
    ORDER BY due.wake_at, due.turn LIMIT ?3)
  AND EXISTS (SELECT 1 FROM nodes WHERE node_id = ?1 AND lease_until > ?2)
RETURNING org_id, run_id";

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Uid)]
    org_id: Id,
    #[diesel(sql_type = Uid)]
    run_id: Id,
}

pub(super) fn claim(
    c: &mut Conn,
    Now(now): Now,
    node: NodeId,
    limit: u32,
) -> Result<Vec<ClaimedRun>, Failure> {
    let keys: Vec<Key> = done(
        diesel::sql_query(CLAIM)
            .bind::<Uid, _>(Id::from(node))
            .bind::<Moment, _>(now)
            .bind::<BigInt, _>(i64::from(limit))
            .load(c),
    )?;
    keys.into_iter()
        .map(|key| Ok(into_claimed(done(claimed(c, &key))?)?))
        .collect()
}

async fn claimed(c: &mut Conn, key: &Key) -> QueryResult<ClaimRow> {
    run_heads::table
        .inner_join(
            threads::table.on(threads::org_id
                .eq(run_heads::org_id)
                .and(threads::thread_id.eq(run_heads::thread_id))),
        )
        .inner_join(
            runs::table.on(runs::org_id
                .eq(run_heads::org_id)
                .and(runs::run_id.eq(run_heads::run_id))),
        )
        .filter(run_heads::org_id.eq(key.org_id))
        .filter(run_heads::run_id.eq(key.run_id))
        .select((
            HeadOfClaim::as_select(),
            threads::last_position,
            runs::created_at,
            runs::trace_id,
        ))
        .first(c)
        .await
}

pub(super) fn renew(c: &mut Conn, Now(now): Now, node: NodeId) -> Result<(), Failure> {
    let until = nodes::lease_until.eq(At(now.0 + LEASE));
    done(
        diesel::insert_into(nodes::table)
            .values((nodes::node_id.eq(Id::from(node)), until))
            .on_conflict(nodes::node_id)
            .do_update()
            .set(until)
            .execute(c),
    )?;
    Ok(())
}

pub(super) fn end(c: &mut Conn, Now(now): Now, node: NodeId) -> Result<(), Failure> {
    let node = Id::from(node);
    done(diesel::delete(nodes::table.find(node)).execute(c))?;
    done(
        diesel::update(run_heads::table.filter(run_heads::owner_node.eq(node)))
            .set((
                run_heads::owner_node.eq(None::<Id>),
                run_heads::wake_at.eq(Some(now)),
                run_heads::lost.eq("handover"),
                run_heads::attempts.eq(0),
            ))
            .execute(c),
    )?;
    Ok(())
}

/// This process holds the file's lock, so every other node is gone.
pub(super) fn free_lost(c: &mut Conn, Now(now): Now, node: NodeId) -> Result<u64, Failure> {
    let node = Id::from(node);
    done(diesel::delete(nodes::table.filter(nodes::node_id.ne(node))).execute(c))?;
    let freed = done(
        diesel::update(run_heads::table.filter(run_heads::owner_node.ne(node)))
            .set((
                run_heads::owner_node.eq(None::<Id>),
                run_heads::wake_at.eq(Some(now)),
                run_heads::lost.eq("lease_expired"),
            ))
            .execute(c),
    )?;
    Ok(freed as u64)
}
