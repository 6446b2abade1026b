//! What the shared queries need said in SQLite's way.

use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error;
use runloom_domain::{OrgId, RunId, ThreadId, Timestamp};
use runloom_store::{RunHead, Wake};

pub(crate) use super::holds::{hold_budgets, hold_credits, standing};
use super::queries::create::{Creation, ThreadCounters};
use super::verbs::RunQueryDsl;
use super::{Conn, create, queries};
use crate::failure::Failure;
use crate::rows::audit::SealRow;
use crate::rows::mcp_tool::McpToolRow;
use crate::schema::{audit_seals, mcp_tools, threads};
use crate::types::{At, Id};

const DAY: Duration = Duration::from_hours(24);

/// The moment at which a write was asked for, by the adapter's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now(pub(super) At);

impl Now {
    pub(crate) fn moment(self) -> At {
        self.0
    }

    pub(crate) fn a_day_ago(self) -> At {
        let day = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
        At(Timestamp::from_micros(self.0.0.as_micros() - day))
    }

    pub(crate) fn due(self, wake: Wake) -> Option<At> {
        match wake {
            Wake::Now => Some(self.0),
            Wake::After(wait) => Some(At(self.0.0 + wait)),
            Wake::Never => None,
        }
    }
}

/// The date in UTC on which a run `r` was created.
pub(crate) const DAY_OF_RUN: &str = "strftime('%Y-%m-%d', r.created_at / 1000000, 'unixepoch')";

/// Who created a run `r`, by id.
pub(crate) const CREATOR_OF_RUN: &str = "lower(hex(r.created_by))";

/// Whether a statement failed because it waited too long for another transaction: never here,
/// where writes follow each other.
pub(crate) fn gave_up_waiting(_: &Error) -> bool {
    false
}

/// Nobody else writes, so reading is locking.
pub(crate) async fn lock_thread(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
) -> QueryResult<Option<ThreadCounters>> {
    let counters: Option<(i64, i64)> = threads::table
        .find((Id::from(org), Id::from(thread)))
        .filter(threads::deleted_at.is_null())
        .select((threads::last_position, threads::last_turn))
        .first(c)
        .await
        .optional()?;
    Ok(counters.map(|(position, turn)| ThreadCounters { position, turn }))
}

/// Nobody else writes, so reading is locking.
pub(crate) async fn lock_head(
    c: &mut Conn,
    org: OrgId,
    run: RunId,
) -> Result<Option<RunHead>, Failure> {
    queries::runs::head(c, org, run).await
}

pub(crate) async fn write_run(c: &mut Conn, now: Now, new: Creation) -> QueryResult<()> {
    create::write(c, now, new).await
}

/// Nobody else writes.
#[expect(clippy::unused_async, reason = "on PostgreSQL it is a statement")]
pub(crate) async fn seals_alone(_: &mut Conn) -> QueryResult<bool> {
    Ok(true)
}

/// One by one, as with tools.
pub(crate) async fn insert_seals(c: &mut Conn, rows: Vec<SealRow>) -> QueryResult<()> {
    for row in rows {
        diesel::insert_into(audit_seals::table)
            .values(row)
            .execute(c)
            .await?;
    }
    Ok(())
}

/// One by one: for several at once a transaction of its own would begin.
pub(crate) async fn insert_tools(c: &mut Conn, rows: Vec<McpToolRow>) -> QueryResult<()> {
    for row in rows {
        diesel::insert_into(mcp_tools::table)
            .values(row)
            .execute(c)
            .await?;
    }
    Ok(())
}

/// A query that locks the rows that it reads: nobody else writes, so reading is locking.
macro_rules! locked {
    ($query:expr) => {
        $query
    };
}

/// The same for rows that may be deleted.
macro_rules! locked_to_delete {
    ($query:expr) => {
        $query
    };
}

pub(crate) use {locked, locked_to_delete};
