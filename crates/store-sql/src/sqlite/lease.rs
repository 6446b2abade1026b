//! Who works on which run.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use runloom_domain::{NodeId, OrgId};
use runloom_store::{ClaimedRun, OwnedRun, take_turns};

use super::dialect::Now;
use super::verbs::RunQueryDsl;
use super::{Conn, done};
use crate::failure::Failure;
use crate::rows::run::{ClaimRow, HeadOfClaim, into_claimed};
use crate::schema::{nodes, run_heads, runs, threads};
use crate::turn::Turn;
use crate::types::{At, Id, Moment, Uid};
use crate::{CLAIM_ORGS, LEASE};
use uuid::Uuid;

/// The next organisation with runs that somebody must look at sometime, and when first.
const NEXT_ORG: &str = "
SELECT org_id, wake_at FROM run_heads WHERE wake_at IS NOT NULL AND org_id > ?1
ORDER BY org_id, wake_at LIMIT 1";

/// An organisation's due runs. A run waits for its turn while an earlier one of its thread has
/// not ended.
const DUE: &str = "
SELECT due.org_id, due.run_id FROM run_heads AS due
WHERE due.org_id = ?1 AND due.wake_at <= ?2 AND due.owner_node IS NULL
  AND (due.status <> 'queued' OR NOT EXISTS (
    SELECT 1 FROM run_heads AS other
    WHERE other.org_id = due.org_id AND other.thread_id = due.thread_id
      AND other.status NOT IN ('completed', 'failed', 'cancelled')
      AND (other.turn < due.turn OR other.status <> 'queued')))
ORDER BY due.wake_at, due.turn LIMIT ?3";

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Uid)]
    org_id: Id,
    #[diesel(sql_type = Moment)]
    wake_at: At,
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Uid)]
    org_id: Id,
    #[diesel(sql_type = Uid)]
    run_id: Id,
}

/// Claims from behind the organisation whose turn was last, and then from the first one on.
pub(super) fn claim(
    c: &mut Conn,
    now: Now,
    node: NodeId,
    limit: u32,
    turn: &Turn,
) -> Result<Vec<ClaimedRun>, Failure> {
    if !holds_lease(c, now, node)? {
        return Ok(Vec::new());
    }
    let after = turn.get();
    let orgs = due_orgs(c, now, after, limit.max(CLAIM_ORGS) as usize)?;
    let lists: Result<Vec<_>, _> = orgs.iter().map(|org| due(c, now, *org, limit)).collect();
    let keys = take_turns(lists?, limit as usize);
    let last = keys.last().filter(|_| keys.len() == limit as usize);
    turn.set(last.map(|key| key.org_id.into()));
    keys.iter().map(|key| take(c, node, key)).collect()
}

fn holds_lease(c: &mut Conn, Now(now): Now, node: NodeId) -> Result<bool, Failure> {
    let lease = nodes::table
        .find(Id::from(node))
        .filter(nodes::lease_until.gt(now));
    Ok(done(
        diesel::select(diesel::dsl::exists(lease)).get_result(c),
    )?)
}

/// Up to `count` organisations with due runs: those behind `after`, then those up to it.
fn due_orgs(
    c: &mut Conn,
    Now(now): Now,
    after: Option<OrgId>,
    count: usize,
) -> Result<Vec<Id>, Failure> {
    let beginning = Id(Uuid::nil());
    let (mut at, mut until) = (after.map_or(beginning, Id::from), None);
    let mut orgs = Vec::new();
    while orgs.len() < count {
        let next = diesel::sql_query(NEXT_ORG).bind::<Uid, _>(at);
        let next: Vec<Waiting> = done(next.load(c))?;
        match next.into_iter().next() {
            Some(next) if until.is_none_or(|until| next.org_id <= until) => {
                at = next.org_id;
                if next.wake_at.0 <= now.0 {
                    orgs.push(at);
                }
            }
            None if until.is_none() && after.is_some() => {
                (at, until) = (beginning, after.map(Id::from));
            }
            Some(_) | None => break,
        }
    }
    Ok(orgs)
}

fn due(c: &mut Conn, Now(now): Now, org: Id, limit: u32) -> Result<Vec<Key>, Failure> {
    let due = diesel::sql_query(DUE)
        .bind::<Uid, _>(org)
        .bind::<Moment, _>(now)
        .bind::<BigInt, _>(i64::from(limit));
    Ok(done(due.load(c))?)
}

fn take(c: &mut Conn, node: NodeId, key: &Key) -> Result<ClaimedRun, Failure> {
    let owned = diesel::update(run_heads::table.find((key.org_id, key.run_id))).set((
        run_heads::owner_node.eq(Some(Id::from(node))),
        run_heads::epoch.eq(run_heads::epoch + 1),
        run_heads::attempts.eq(run_heads::attempts + 1),
        run_heads::wake_at.eq(None::<At>),
    ));
    done(owned.execute(c))?;
    Ok(into_claimed(done(claimed(c, key))?)?)
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

pub(super) fn disown(c: &mut Conn, Now(now): Now, run: OwnedRun) -> Result<bool, Failure> {
    let owned = run_heads::table
        .find((Id::from(run.org_id), Id::from(run.run_id)))
        .filter(run_heads::epoch.eq(run.epoch as i64))
        .filter(run_heads::owner_node.is_not_null());
    let freed = diesel::update(owned).set((
        run_heads::owner_node.eq(None::<Id>),
        run_heads::wake_at.eq(Some(now)),
        run_heads::lost.eq("lease_expired"),
    ));
    Ok(done(freed.execute(c))? == 1)
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
