//! The append batch: a guarded update and the inserts for each change, all in one transaction.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use runloom_domain::RunStatus;
use runloom_store::{Appended, Change, StoreError};

use super::dialect::Now;
use super::queries::project;
use super::savepoint::savepoint;
use super::verbs::RunQueryDsl;
use super::{Conn, done, error};
use crate::failure::Failure;
use crate::fragment::fragment;
use crate::predicate::IsOpen;
use crate::rows::{signed, unsigned};
use crate::schema::run_heads;
use crate::text::storable_change;
use crate::types::{Id, Uid};

/// Writes the changes; those that are stale or invalid leave the others.
///
/// A savepoint for each change would cost more than its events do, so the whole batch has one.
/// Only when the database refuses something is the batch done again with one for each change.
pub(super) fn append(c: &mut Conn, now: Now, batch: &[Change]) -> Result<Vec<Appended>, Failure> {
    let all = |c: &mut Conn| -> Result<Vec<_>, Failure> {
        batch.iter().map(|change| write(c, now, change)).collect()
    };
    match savepoint(c, "change", all, Result::is_ok)?.map_err(error::of) {
        Err(StoreError::Rejected(_)) => batch.iter().map(|change| alone(c, now, change)).collect(),
        result => Ok(result?),
    }
}

fn alone(c: &mut Conn, now: Now, change: &Change) -> Result<Appended, Failure> {
    match savepoint(c, "change", |c| write(c, now, change), Result::is_ok)?.map_err(error::of) {
        Err(StoreError::Rejected(why)) => Ok(Appended::Invalid {
            reason: why.to_string(),
        }),
        result => Ok(result?),
    }
}

fn write(c: &mut Conn, now: Now, change: &Change) -> Result<Appended, Failure> {
    let Some((last_seq, thread)) =
        done(Advance::from(change).get_result::<(i64, Id)>(c)).optional()?
    else {
        return refused(c, change);
    };
    storable_change(&change.events, change.projection.as_deref())?;
    let count = change.events.len() as i64;
    let base: u64 = unsigned("run_heads", "last_seq", change.run_id, last_seq - count)?;
    let run = (change.org_id, change.run_id);
    done(project::events(c, run, base, &change.events))?;
    if let Some(projection) = &change.projection {
        let at = project::time(&change.events, projection);
        let place = (change.org_id, change.run_id, thread.into());
        done(project::beside(c, place, at, projection))?;
        done(project::head(
            c,
            now,
            run,
            projection,
            project::Mover::default(),
        ))?;
    }
    Ok(Appended::Committed { base })
}

/// The fence: moves the run's seq if the change's epoch is that of the run's owner and the
/// status is the expected one. Diesel would prepare its own update each time, which takes longer
/// than the update.
struct Advance {
    org: Id,
    run: Id,
    epoch: i64,
    expected: Option<&'static str>,
    events: i64,
}

impl From<&Change> for Advance {
    fn from(change: &Change) -> Self {
        Self {
            org: change.org_id.into(),
            run: change.run_id.into(),
            epoch: signed(change.epoch),
            expected: change.expect_status.map(RunStatus::as_str),
            events: change.events.len() as i64,
        }
    }
}

/// The last seq and the thread.
impl Query for Advance {
    type SqlType = (BigInt, Uid);
}

impl QueryId for Advance {
    type QueryId = Self;
}

impl diesel::RunQueryDsl<Conn> for Advance {}

impl QueryFragment<Sqlite> for Advance {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        fragment!(out;
            "UPDATE run_heads SET last_seq = last_seq + " [BigInt: &self.events]
            " WHERE org_id = " [Uid: &self.org] " AND run_id = " [Uid: &self.run]
            " AND epoch = " [BigInt: &self.epoch]
            " AND owner_node IS NOT NULL AND status NOT IN ('completed', 'failed', 'cancelled')"
            " AND status = coalesce(" [Nullable<Text>: &self.expected]
            ", status) RETURNING last_seq, thread_id"
        );
        Ok(())
    }
}

/// Why the fence held a change back.
fn refused(c: &mut Conn, change: &Change) -> Result<Appended, Failure> {
    let run = run_heads::table.find((Id::from(change.org_id), Id::from(change.run_id)));
    let owned = run
        .filter(run_heads::epoch.eq(signed(change.epoch)))
        .filter(run_heads::owner_node.is_not_null())
        .filter(IsOpen)
        .select(run_heads::run_id)
        .first::<Id>(c);
    Ok(match done(owned).optional()? {
        Some(_) => Appended::Moved,
        None => Appended::Stale,
    })
}
