//! Deleting what has expired, in steps.

use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use runloom_domain::OrgId;
use runloom_store::{By, Deleted, entries};

use super::{Conn, RunQueryDsl, audit, dialect};
use crate::failure::Failure;
use crate::schema::{events, expired_runs, idempotency_keys, orgs, tool_outputs};
use crate::types::Id;

pub(crate) async fn set_event_retention(
    c: &mut Conn,
    org: OrgId,
    days: Option<u32>,
    by: By,
) -> Result<bool, Failure> {
    let kept = entries::retention_changed(org, days);
    let days = days.map(|days| i32::try_from(days).unwrap_or(i32::MAX));
    let changed = diesel::update(orgs::table.find(Id::from(org)))
        .set(orgs::event_retention_days.eq(days))
        .execute(c)
        .await?;
    if changed == 1 {
        audit::record(c, by, kept).await?;
    }
    Ok(changed == 1)
}

/// Deletes up to `limit` events of these runs, in their order, and then what else they leave.
/// Returns how many events are gone.
pub(crate) async fn delete_events(
    c: &mut Conn,
    runs: Vec<(Id, Id)>,
    limit: u32,
) -> Result<u64, Failure> {
    let mut left = i64::from(limit);
    for run in runs {
        left -= delete_some(c, run, left).await?;
        if left <= 0 {
            break;
        }
        let (org, run) = run;
        let outputs = FilterDsl::filter(
            tool_outputs::table,
            tool_outputs::org_id
                .eq(org)
                .and(tool_outputs::run_id.eq(run)),
        );
        diesel::delete(outputs).execute(c).await?;
        diesel::delete(expired_runs::table.find((org, run)))
            .execute(c)
            .await?;
    }
    Ok((i64::from(limit) - left).unsigned_abs())
}

/// Deletes a run's first events, at most `limit`; fewer means that none are left.
async fn delete_some(c: &mut Conn, (org, run): (Id, Id), limit: i64) -> QueryResult<i64> {
    let log = || {
        FilterDsl::filter(
            events::table,
            events::org_id.eq(org).and(events::run_id.eq(run)),
        )
    };
    let first: Option<i64> = log()
        .select(events::seq)
        .order(events::seq)
        .first(c)
        .await
        .optional()?;
    let Some(first) = first else { return Ok(0) };
    let some = FilterDsl::filter(log(), events::seq.lt(first.saturating_add(limit)));
    let deleted = diesel::delete(some).execute(c).await?;
    Ok(deleted as i64)
}

/// Deletes the oldest of the keys that are forgotten.
pub(crate) async fn delete_keys(
    c: &mut Conn,
    now: dialect::Now,
    limit: u32,
) -> Result<Deleted, Failure> {
    use idempotency_keys as k;
    let forgotten = || FilterDsl::filter(k::table, k::created_at.lt(now.a_day_ago()));
    let last = forgotten()
        .select(k::created_at)
        .order(k::created_at)
        .offset(i64::from(limit.max(1)) - 1)
        .first::<crate::types::At>(c)
        .await
        .optional()?;
    let rows = match last {
        Some(last) => {
            let oldest = FilterDsl::filter(forgotten(), k::created_at.le(last));
            diesel::delete(oldest).execute(c).await?
        }
        None => diesel::delete(forgotten()).execute(c).await?,
    };
    Ok(Deleted {
        rows: rows as u64,
        more: last.is_some(),
    })
}
