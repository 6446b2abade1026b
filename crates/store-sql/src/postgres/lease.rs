//! Who works on which run, by the database's clock.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use runloom_domain::{NodeId, OrgId};
use runloom_store::{ClaimedRun, OwnedRun, StoreError};

use super::{Conn, PostgresStore, RunQueryDsl};
use crate::failure::Failure;
use crate::rows::run::{HeadOfClaim, into_claimed};
use crate::turn::Turn;
use crate::types::{At, Id, Moment, Uid};
use crate::{CLAIM_ORGS, LEASE};
use uuid::Uuid;

/// Steps through the organisations behind `$3` that have due runs, at most `$4` of them, and
/// takes turns between them. Each step is one look into the index by organisation; there is none
/// by time alone, in which one organisation's backlog would stand before all others'.
///
/// Rows that another claim holds are skipped. A run waits for its turn while an earlier one of
/// its thread has not ended.
const CLAIM: &str = "
WITH RECURSIVE orgs (org_id, due, found) AS (
    (SELECT h.org_id, h.wake_at <= now(), CASE WHEN h.wake_at <= now() THEN 1 ELSE 0 END
     FROM run_heads h WHERE h.wake_at IS NOT NULL AND h.org_id > $3
     ORDER BY h.org_id, h.wake_at LIMIT 1)
    UNION ALL
    SELECT next.org_id, next.wake_at <= now(),
        o.found + CASE WHEN next.wake_at <= now() THEN 1 ELSE 0 END
    FROM orgs o CROSS JOIN LATERAL (
        SELECT h.org_id, h.wake_at FROM run_heads h
        WHERE h.wake_at IS NOT NULL AND h.org_id > o.org_id
        ORDER BY h.org_id, h.wake_at LIMIT 1) next
    WHERE o.found < $4
), ranked AS (
    SELECT d.org_id, d.run_id,
        row_number() OVER (PARTITION BY d.org_id ORDER BY d.wake_at, d.turn) AS round
    FROM orgs o CROSS JOIN LATERAL (
        SELECT h.org_id, h.run_id, h.wake_at, h.turn FROM run_heads h
        WHERE h.org_id = o.org_id AND h.wake_at <= now() AND h.owner_node IS NULL
          AND (h.status <> 'queued' OR NOT EXISTS (
            SELECT 1 FROM run_heads other
            WHERE other.org_id = h.org_id AND other.thread_id = h.thread_id
              AND other.status NOT IN ('completed', 'failed', 'cancelled')
              AND (other.turn < h.turn OR other.status <> 'queued')))
        ORDER BY h.wake_at, h.turn LIMIT $2) d
    WHERE o.due AND EXISTS (SELECT 1 FROM nodes WHERE node_id = $1 AND lease_until > now())
), due AS MATERIALIZED (
    SELECT h.org_id, h.run_id, r.round
    FROM ranked r JOIN run_heads h ON h.org_id = r.org_id AND h.run_id = r.run_id
    WHERE h.wake_at <= now() AND h.owner_node IS NULL
    ORDER BY r.round, r.org_id LIMIT $2
    FOR NO KEY UPDATE OF h SKIP LOCKED
)
UPDATE run_heads h
SET owner_node = $1, epoch = h.epoch + 1, attempts = h.attempts + 1, wake_at = NULL
FROM due d, threads t, runs r
WHERE h.org_id = d.org_id AND h.run_id = d.run_id
  AND t.org_id = h.org_id AND t.thread_id = h.thread_id
  AND r.org_id = h.org_id AND r.run_id = h.run_id
RETURNING h.org_id, h.run_id, h.thread_id, h.epoch, h.attempts, h.status, h.last_seq, h.lost,
    d.round, t.last_position, r.created_at, r.trace_id";

const RENEW: &str = "
INSERT INTO nodes (node_id, lease_until) VALUES ($1, now() + interval '1 second' * $2)
ON CONFLICT (node_id) DO UPDATE SET lease_until = excluded.lease_until";

/// The node's row stays, as one whose lease has ended: a run that the node creates at this
/// moment is then found as lost.
const END: &str = "
WITH ended AS (UPDATE nodes SET lease_until = now() WHERE node_id = $1)
UPDATE run_heads SET owner_node = NULL, wake_at = now(), lost = 'handover', attempts = 0
WHERE owner_node = $1";

const EXPIRE: &str = "UPDATE nodes SET lease_until = now() WHERE node_id = $1";

/// Nodes free the same runs at the same time, so each takes the rows that it gets. The owners
/// are found by one step through their index for each, however many runs they have: an owner
/// may be one whose row is gone, and then its runs are lost all the more.
const FREE_LOST: &str = "
WITH RECURSIVE owners (node_id) AS (
    (SELECT owner_node FROM run_heads WHERE owner_node IS NOT NULL
     ORDER BY owner_node LIMIT 1)
    UNION ALL
    SELECT next.owner_node FROM owners o CROSS JOIN LATERAL (
        SELECT h.owner_node FROM run_heads h
        WHERE h.owner_node IS NOT NULL AND h.owner_node > o.node_id
        ORDER BY h.owner_node LIMIT 1) next
), lost AS MATERIALIZED (
    SELECT h.org_id, h.run_id FROM run_heads h
    WHERE h.owner_node IN (
        SELECT o.node_id FROM owners o WHERE NOT EXISTS (
            SELECT 1 FROM nodes n WHERE n.node_id = o.node_id AND n.lease_until > now()))
    ORDER BY h.org_id, h.run_id
    FOR NO KEY UPDATE OF h SKIP LOCKED
)
UPDATE run_heads h SET owner_node = NULL, wake_at = now(), lost = 'lease_expired'
FROM lost l WHERE h.org_id = l.org_id AND h.run_id = l.run_id";

const DISOWN: &str = "
UPDATE run_heads SET owner_node = NULL, wake_at = now(), lost = 'lease_expired'
WHERE org_id = $1 AND run_id = $2 AND epoch = $3 AND owner_node IS NOT NULL";

/// Rows of nodes that have long been gone and own nothing.
const FORGET: &str = "
DELETE FROM nodes n WHERE n.lease_until < now() - interval '1 hour'
  AND NOT EXISTS (SELECT 1 FROM run_heads h WHERE h.owner_node = n.node_id)";

#[derive(QueryableByName)]
struct Claimed {
    #[diesel(sql_type = Uid)]
    org_id: Id,
    #[diesel(sql_type = Uid)]
    run_id: Id,
    #[diesel(sql_type = Uid)]
    thread_id: Id,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    last_seq: i64,
    #[diesel(sql_type = Nullable<Text>)]
    lost: Option<String>,
    #[diesel(sql_type = BigInt)]
    round: i64,
    #[diesel(sql_type = BigInt)]
    last_position: i64,
    #[diesel(sql_type = Moment)]
    created_at: At,
    #[diesel(sql_type = Text)]
    trace_id: String,
}

/// Claims from behind the organisation whose turn was last, and then from the first one on.
pub(super) async fn claim(
    c: &mut Conn,
    node: NodeId,
    limit: u32,
    turn: &Turn,
) -> Result<Vec<ClaimedRun>, Failure> {
    let after = turn.get();
    let mut rows = claim_behind(c, node, limit, after).await?;
    let left = limit.saturating_sub(rows.len() as u32);
    if left > 0 && after.is_some() {
        rows.extend(claim_behind(c, node, left, None).await?);
    }
    let last = rows.last().filter(|_| rows.len() == limit as usize);
    turn.set(last.map(|row| row.org_id.into()));
    rows.into_iter().map(Claimed::into_run).collect()
}

async fn claim_behind(
    c: &mut Conn,
    node: NodeId,
    limit: u32,
    after: Option<OrgId>,
) -> Result<Vec<Claimed>, Failure> {
    let mut rows: Vec<Claimed> = diesel::sql_query(CLAIM)
        .bind::<Uid, _>(Id::from(node))
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<Uid, _>(after.map_or(Id(Uuid::nil()), Id::from))
        .bind::<BigInt, _>(i64::from(limit.max(CLAIM_ORGS)))
        .load(c)
        .await?;
    rows.sort_unstable_by_key(|row| (row.round, row.org_id));
    Ok(rows)
}

impl Claimed {
    fn into_run(self) -> Result<ClaimedRun, Failure> {
        let head = HeadOfClaim {
            org_id: self.org_id,
            run_id: self.run_id,
            thread_id: self.thread_id,
            epoch: self.epoch,
            attempts: self.attempts,
            status: self.status,
            last_seq: self.last_seq,
            lost: self.lost,
        };
        Ok(into_claimed((
            head,
            self.last_position,
            self.created_at,
            self.trace_id,
        ))?)
    }
}

pub(super) async fn renew(c: &mut Conn, node: NodeId) -> Result<(), Failure> {
    let seconds = i64::try_from(LEASE.as_secs()).unwrap_or(i64::MAX);
    diesel::sql_query(RENEW)
        .bind::<Uid, _>(Id::from(node))
        .bind::<BigInt, _>(seconds)
        .execute(c)
        .await?;
    Ok(())
}

pub(super) async fn disown(c: &mut Conn, run: OwnedRun) -> Result<bool, Failure> {
    let freed = diesel::sql_query(DISOWN)
        .bind::<Uid, _>(Id::from(run.org_id))
        .bind::<Uid, _>(Id::from(run.run_id))
        .bind::<BigInt, _>(run.epoch as i64)
        .execute(c)
        .await?;
    Ok(freed == 1)
}

pub(super) async fn end(c: &mut Conn, node: NodeId) -> Result<(), Failure> {
    diesel::sql_query(END)
        .bind::<Uid, _>(Id::from(node))
        .execute(c)
        .await?;
    Ok(())
}

impl PostgresStore {
    /// Ends the lease of a node whose process is known to be dead, so that its runs are found
    /// as lost now instead of at the lease's end. Runs to its end also when the future is
    /// dropped.
    pub async fn expire_lease(&self, node: NodeId) -> Result<(), StoreError> {
        let lanes = self.lanes.clone();
        self.spawn(async move {
            let mut lent = lanes.lease().await?;
            let expire = diesel::sql_query(EXPIRE).bind::<Uid, _>(Id::from(node));
            expire.execute(&mut *lent).await?;
            Ok(())
        })
        .await
    }
}

pub(super) async fn free_lost(c: &mut Conn) -> Result<u64, Failure> {
    let freed = diesel::sql_query(FREE_LOST).execute(c).await?;
    if freed > 0 {
        diesel::sql_query(FORGET).execute(c).await?;
    }
    Ok(freed as u64)
}
