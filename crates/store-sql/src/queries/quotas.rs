//! What organisations keep and may keep.

use diesel::dsl::sum;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use runloom_domain::OrgId;
use runloom_store::{By, Measured, Measuring, Quota, Standing, entries};
use uuid::Uuid;

use super::{Conn, RunQueryDsl, audit};
use crate::failure::Failure;
use crate::schema::{events, messages, orgs, runs, threads, tool_outputs};
use crate::types::Id;

diesel::define_sql_function! {
    /// The bytes of a text; both databases read its length alone.
    #[sql_name = "octet_length"]
    fn octet_length(text: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}

diesel::define_sql_function! {
    /// The same of a text that may not be there.
    #[sql_name = "octet_length"]
    fn octet_length_if_any(
        text: diesel::sql_types::Nullable<diesel::sql_types::Text>,
    ) -> diesel::sql_types::Nullable<diesel::sql_types::Integer>;
}

pub(crate) async fn set(c: &mut Conn, org: OrgId, quota: Quota, by: By) -> Result<bool, Failure> {
    let changed = diesel::update(orgs::table.find(Id::from(org)))
        .set((
            orgs::max_threads.eq(quota.threads.map(signed)),
            orgs::max_stored_bytes.eq(quota.bytes.map(signed)),
        ))
        .execute(c)
        .await?;
    if changed == 1 {
        audit::record(c, by, entries::quota_changed(org, quota)).await?;
    }
    Ok(changed == 1)
}

pub(crate) async fn standing(c: &mut Conn, org: OrgId) -> Result<Standing, Failure> {
    let row: Option<(Option<i64>, Option<i64>, i64)> = orgs::table
        .find(Id::from(org))
        .select((
            orgs::max_threads,
            orgs::max_stored_bytes,
            orgs::stored_bytes,
        ))
        .first(c)
        .await
        .optional()?;
    let (threads, bytes, stored_bytes) = row.unwrap_or_default();
    Ok(Standing {
        quota: Quota {
            threads: threads.map(from_signed),
            bytes: bytes.map(from_signed),
        },
        stored_bytes: from_signed(stored_bytes),
    })
}

/// Whether there is a thread after so many others, in the order of their index.
pub(crate) async fn has_threads(c: &mut Conn, org: OrgId, at_least: u64) -> Result<bool, Failure> {
    let Some(others) = at_least.checked_sub(1) else {
        return Ok(true);
    };
    let last: Option<Id> = threads::table
        .filter(threads::org_id.eq(Id::from(org)))
        .filter(threads::deleted_at.is_null())
        .filter(diesel::dsl::not(threads::hidden))
        .order((threads::created_at, threads::thread_id))
        .offset(signed(others))
        .select(threads::thread_id)
        .first(c)
        .await
        .optional()?;
    Ok(last.is_some())
}

pub(crate) async fn next_measured(
    c: &mut Conn,
    after: Option<OrgId>,
    all: bool,
) -> Result<Option<OrgId>, Failure> {
    let after = after.map_or(Id(Uuid::nil()), Id::from);
    let next: Option<Id> = orgs::table
        .filter(orgs::org_id.gt(after))
        .filter(
            orgs::max_stored_bytes
                .is_not_null()
                .or(all.into_sql::<Bool>()),
        )
        .order(orgs::org_id)
        .select(orgs::org_id)
        .first(c)
        .await
        .optional()?;
    Ok(next.map(OrgId::from))
}

pub(crate) async fn measure(
    c: &mut Conn,
    org: OrgId,
    from: Measuring,
    limit: u32,
) -> Result<Measured, Failure> {
    let org = Id::from(org);
    match from {
        Measuring::Runs(after) => {
            let after = after.map_or(Id(Uuid::nil()), Id::from);
            let last: Option<Id> = runs::table
                .filter(runs::org_id.eq(org))
                .filter(runs::run_id.gt(after))
                .order(runs::run_id)
                .offset(i64::from(limit.max(1)) - 1)
                .select(runs::run_id)
                .first(c)
                .await
                .optional()?;
            let next = match last {
                Some(last) => Measuring::Runs(Some(last.into())),
                None => Measuring::Threads(None),
            };
            Ok(Measured {
                bytes: of_runs(c, org, after, last).await?,
                next: Some(next),
            })
        }
        Measuring::Threads(after) => {
            let after = after.map_or(Id(Uuid::nil()), Id::from);
            let last: Option<Id> = threads::table
                .filter(threads::org_id.eq(org))
                .filter(threads::thread_id.gt(after))
                .order(threads::thread_id)
                .offset(i64::from(limit.max(1)) - 1)
                .select(threads::thread_id)
                .first(c)
                .await
                .optional()?;
            Ok(Measured {
                bytes: of_threads(c, org, after, last).await?,
                next: last.map(|last| Measuring::Threads(Some(last.into()))),
            })
        }
    }
}

/// Bytes of the events and tools' outputs of the runs after one, up to another or the last.
async fn of_runs(c: &mut Conn, org: Id, after: Id, last: Option<Id>) -> Result<u64, Failure> {
    let last = last.unwrap_or(Id(Uuid::max()));
    let log = events::table
        .filter(events::org_id.eq(org))
        .filter(events::run_id.gt(after))
        .filter(events::run_id.le(last))
        .select((
            sum(octet_length(events::data)),
            sum(octet_length_if_any(events::private)),
        ));
    let (shown, private): (Option<i64>, Option<i64>) = log.first(c).await?;
    let outputs: Option<i64> = tool_outputs::table
        .filter(tool_outputs::org_id.eq(org))
        .filter(tool_outputs::run_id.gt(after))
        .filter(tool_outputs::run_id.le(last))
        .select(sum(octet_length(tool_outputs::content)))
        .first(c)
        .await?;
    Ok(together([shown, private, outputs]))
}

/// Bytes of the messages of the threads after one, up to another or the last.
async fn of_threads(c: &mut Conn, org: Id, after: Id, last: Option<Id>) -> Result<u64, Failure> {
    let contents: Option<i64> = messages::table
        .filter(messages::org_id.eq(org))
        .filter(messages::thread_id.gt(after))
        .filter(messages::thread_id.le(last.unwrap_or(Id(Uuid::max()))))
        .select(sum(octet_length(messages::content)))
        .first(c)
        .await?;
    Ok(together([contents, None, None]))
}

fn together(sums: [Option<i64>; 3]) -> u64 {
    let all = sums.into_iter().flatten().map(from_signed);
    all.fold(0, u64::saturating_add)
}

/// Sums and limits are written by us alone, and never below zero.
fn from_signed(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) async fn set_stored_bytes(c: &mut Conn, org: OrgId, bytes: u64) -> Result<(), Failure> {
    diesel::update(orgs::table.find(Id::from(org)))
        .set(orgs::stored_bytes.eq(signed(bytes)))
        .execute(c)
        .await?;
    Ok(())
}
