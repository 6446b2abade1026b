//! The append batch: a guarded update and the inserts for each change, all in one transaction.

use diesel::prelude::*;
use runloom_store::{Appended, Change, StoreError};

use super::dialect::Now;
use super::queries::project;
use super::savepoint::savepoint;
use super::verbs::RunQueryDsl;
use super::{Conn, done, error};
use crate::failure::Failure;
use crate::predicate::IsOpen;
use crate::rows::{signed, unsigned};
use crate::schema::run_heads;
use crate::text::storable_change;
use crate::types::Id;

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
    let Some((last_seq, thread)) = done(advance(c, change))? else {
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

/// The fence: the run, if the change's epoch is that of its owner.
macro_rules! held {
    ($change:expr) => {
        run_heads::table
            .find((Id::from($change.org_id), Id::from($change.run_id)))
            .filter(run_heads::epoch.eq(signed($change.epoch)))
            .filter(run_heads::owner_node.is_not_null())
            .filter(IsOpen)
    };
}

/// Moves the run's seq behind the fence, if its status is the expected one.
async fn advance(c: &mut Conn, change: &Change) -> QueryResult<Option<(i64, Id)>> {
    use run_heads::{last_seq, status, thread_id};
    let count = change.events.len() as i64;
    let moved = match change.expect_status {
        None => {
            diesel::update(held!(change))
                .set(last_seq.eq(last_seq + count))
                .returning((last_seq, thread_id))
                .get_result(c)
                .await
        }
        Some(expected) => {
            diesel::update(held!(change).filter(status.eq(expected.as_str())))
                .set(last_seq.eq(last_seq + count))
                .returning((last_seq, thread_id))
                .get_result(c)
                .await
        }
    };
    moved.optional()
}

/// Why the fence held a change back.
fn refused(c: &mut Conn, change: &Change) -> Result<Appended, Failure> {
    let owned = held!(change).select(run_heads::run_id).first::<Id>(c);
    Ok(match done(owned).optional()? {
        Some(_) => Appended::Moved,
        None => Appended::Stale,
    })
}
