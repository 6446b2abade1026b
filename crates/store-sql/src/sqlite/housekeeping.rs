//! Which runs expire, and which have.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};
use runloom_domain::OrgId;
use uuid::Uuid;

use super::dialect::Now;
use super::verbs::RunQueryDsl;
use super::{Conn, done};
use crate::DELETED_AT_ONCE;
use crate::failure::Failure;
use crate::schema::{expired_runs, runs};
use crate::types::{Id, Moment, Uid};

/// The runs that ended more than `?2` days ago, or than their organisation's own number of days,
/// from the organisation `?1` on. The join's order is given: by organisation, and in each by
/// the age of the runs that have not expired.
const DUE: &str = "
SELECT o.org_id, r.run_id FROM orgs o CROSS JOIN runs r INDEXED BY runs_kept
WHERE o.org_id >= ?1 AND coalesce(o.event_retention_days, ?2) > 0
  AND r.org_id = o.org_id AND r.events_expired_at IS NULL
  AND r.created_at <= ?3 - coalesce(o.event_retention_days, ?2) * 86400000000
  AND r.ended_at <= ?3 - coalesce(o.event_retention_days, ?2) * 86400000000
ORDER BY o.org_id LIMIT ?4";

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Uid)]
    org_id: Id,
    #[diesel(sql_type = Uid)]
    run_id: Id,
}

/// Up to `limit` runs whose time is over, in the order of their organisations.
pub(super) fn due(
    c: &mut Conn,
    Now(now): Now,
    days: u32,
    from: Option<OrgId>,
    limit: u32,
) -> Result<Vec<(Id, Id)>, Failure> {
    let due = diesel::sql_query(DUE)
        .bind::<Uid, _>(from.map_or(Id(Uuid::nil()), Id::from))
        .bind::<Integer, _>(i32::try_from(days).unwrap_or(i32::MAX))
        .bind::<Moment, _>(now)
        .bind::<BigInt, _>(i64::from(limit));
    let keys: Vec<Key> = done(due.load(c))?;
    Ok(keys.iter().map(|key| (key.org_id, key.run_id)).collect())
}

/// Lets runs expire that have not expired since they were looked for; returns how many.
pub(super) fn expire(c: &mut Conn, Now(now): Now, due: &[(Id, Id)]) -> Result<u64, Failure> {
    let mut expired = 0;
    for (org, run) in due {
        let kept = runs::table
            .find((org, run))
            .filter(runs::events_expired_at.is_null());
        let marked = diesel::update(kept).set(runs::events_expired_at.eq(Some(now)));
        if done(marked.execute(c))? == 0 {
            continue;
        }
        expired += 1;
        let queued = (expired_runs::org_id.eq(org), expired_runs::run_id.eq(run));
        let queued = diesel::insert_into(expired_runs::table).values(queued);
        done(queued.execute(c))?;
    }
    Ok(expired)
}

/// The oldest of the runs whose events are still to be deleted.
pub(super) fn expired(c: &mut Conn) -> Result<Vec<(Id, Id)>, Failure> {
    let oldest = expired_runs::table
        .order(expired_runs::run_id)
        .select((expired_runs::org_id, expired_runs::run_id))
        .limit(DELETED_AT_ONCE);
    Ok(done(oldest.load(c))?)
}
