//! Letting runs expire, and deleting what has, by one node at a time.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer};
use runloom_domain::OrgId;
use runloom_store::{Deleted, Expired};
use uuid::Uuid;

use super::dialect::Now;
use super::log_parts::{self, Range};
use super::queries::housekeeping as shared;
use super::{Conn, RunQueryDsl};
use crate::DELETED_AT_ONCE;
use crate::failure::{Failure, Verdict};
use crate::schema::expired_runs;
use crate::types::{Id, Uid};

/// Held by the node that does a step, until its transaction ends. The number is the text
/// "runloom?" in ASCII.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(8247338199357352255)";

/// Takes the runs that ended more than `$1` days ago, or than their organisation's own number of
/// days, from the organisation `$2` on. More days than a million would lead out of the calendar.
const EXPIRE: &str = "
WITH due AS MATERIALIZED (
    SELECT o.org_id, r.run_id FROM orgs o
    CROSS JOIN LATERAL (
        SELECT least(coalesce(o.event_retention_days, $1), 1000000) AS days) kept
    CROSS JOIN LATERAL (
        SELECT r.run_id FROM runs r
        WHERE r.org_id = o.org_id AND r.events_expired_at IS NULL
          AND r.created_at <= now() - interval '1 day' * kept.days
          AND r.ended_at <= now() - interval '1 day' * kept.days
        ORDER BY r.created_at LIMIT $3) r
    WHERE o.org_id >= $2 AND kept.days > 0
    ORDER BY o.org_id LIMIT $3
), marked AS (
    UPDATE runs r SET events_expired_at = now() FROM due d
    WHERE r.org_id = d.org_id AND r.run_id = d.run_id AND r.events_expired_at IS NULL
    RETURNING r.org_id, r.run_id
), queued AS (
    INSERT INTO expired_runs (org_id, run_id) SELECT org_id, run_id FROM marked)
SELECT org_id FROM marked";

#[derive(QueryableByName)]
struct Marked {
    #[diesel(sql_type = Uid)]
    org_id: Id,
}

/// Whether this transaction is the one that does a step now.
pub(super) async fn is_alone(c: &mut Conn) -> QueryResult<bool> {
    sql::<Bool>(LOCK).get_result(c).await
}

pub(super) async fn expire_runs(
    c: &mut Conn,
    days: u32,
    from: Option<OrgId>,
    limit: u32,
) -> Result<Verdict<Expired>, Failure> {
    if !is_alone(c).await? {
        return Ok(Verdict::Undo(Expired::default()));
    }
    let marked: Vec<Marked> = diesel::sql_query(EXPIRE)
        .bind::<Integer, _>(i32::try_from(days).unwrap_or(i32::MAX))
        .bind::<Uid, _>(from.map_or(Id(Uuid::nil()), Id::from))
        .bind::<BigInt, _>(i64::from(limit))
        .load(c)
        .await?;
    let full = marked.len() == limit as usize;
    let last = marked.iter().map(|row| row.org_id).max();
    Ok(Verdict::Keep(Expired {
        runs: marked.len() as u64,
        next: last.filter(|_| full).map(OrgId::from),
    }))
}

pub(super) async fn delete_expired(
    c: &mut Conn,
    days: u32,
    limit: u32,
) -> Result<Verdict<Deleted>, Failure> {
    if !is_alone(c).await? {
        return Ok(Verdict::Undo(Deleted::default()));
    }
    let waiting = log_parts::soon_dropped(c, days).await?;
    let runs = expired(c, waiting).await?;
    let full = runs.len() >= DELETED_AT_ONCE as usize;
    let rows = shared::delete_events(c, runs, limit).await?;
    Ok(Verdict::Keep(Deleted {
        rows,
        more: full || rows >= u64::from(limit),
    }))
}

/// The oldest of the runs whose events are still to be deleted, without those in `except`.
async fn expired(c: &mut Conn, except: Option<Range>) -> QueryResult<Vec<(Id, Id)>> {
    use expired_runs::{org_id, run_id};
    let oldest = expired_runs::table
        .order(run_id)
        .select((org_id, run_id))
        .limit(DELETED_AT_ONCE);
    let Some(except) = except else {
        return oldest.load(c).await;
    };
    let before = oldest.filter(run_id.lt(Id(except.from)));
    let behind = oldest.filter(run_id.ge(Id(except.to)));
    let mut runs: Vec<(Id, Id)> = before.load(c).await?;
    if runs.len() < DELETED_AT_ONCE as usize {
        runs.extend(behind.load::<(Id, Id)>(c).await?);
    }
    Ok(runs)
}

pub(super) async fn delete_keys(c: &mut Conn, limit: u32) -> Result<Verdict<Deleted>, Failure> {
    if !is_alone(c).await? {
        return Ok(Verdict::Undo(Deleted::default()));
    }
    shared::delete_keys(c, Now, limit).await.map(Verdict::Keep)
}
