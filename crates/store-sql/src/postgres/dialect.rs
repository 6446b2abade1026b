//! What the shared queries need said in PostgreSQL's way.

use diesel::dsl::sql;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::sql_types::{BigInt, Bool, Nullable};
use runloom_domain::{OrgId, RunId, ThreadId};
use runloom_store::{RunHead, Wake};

use super::error::{Class, class};
pub(crate) use super::holds::{hold_budgets, hold_credits, standing};
use super::queries::create::{Creation, ThreadCounters};
use super::{Conn, RunQueryDsl, create};
use crate::failure::Failure;
use crate::rows::audit::SealRow;
use crate::rows::mcp_tool::McpToolRow;
use crate::rows::run::HeadRow;
use crate::schema::{audit_seals, mcp_tools, run_heads, threads};
use crate::types::{Id, Moment};

/// The moment of the transaction, by the database's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now;

impl Now {
    #[expect(clippy::unused_self, reason = "on SQLite the moment is a value")]
    pub(crate) fn moment(self) -> At {
        At::Now
    }

    #[expect(clippy::unused_self, reason = "on SQLite the moment is a value")]
    pub(crate) fn a_day_ago(self) -> At {
        At::ADayAgo
    }

    #[expect(clippy::unused_self, reason = "on SQLite the moment is a value")]
    pub(crate) fn due(self, wake: Wake) -> Due {
        Due::from(wake)
    }
}

/// A moment relative to the database's clock.
#[derive(Clone, Copy, Debug, ValidGrouping)]
pub(crate) enum At {
    Now,
    ADayAgo,
}

/// When a run is due, relative to the database's clock.
#[derive(Clone, Copy, Debug, ValidGrouping)]
pub(crate) enum Due {
    Never,
    Now,
    InMicros(i64),
}

impl From<Wake> for Due {
    fn from(wake: Wake) -> Self {
        match wake {
            Wake::Now => Self::Now,
            Wake::After(wait) => {
                Self::InMicros(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
            }
            Wake::Never => Self::Never,
        }
    }
}

impl Expression for At {
    type SqlType = Moment;
}

impl Expression for Due {
    type SqlType = Nullable<Moment>;
}

macro_rules! without_columns {
    ($($name:ident),+) => {$(
        impl<From> AppearsOnTable<From> for $name {}
        impl<From> SelectableExpression<From> for $name {}

        // Its variants differ in their text, so its type doesn't identify a statement.
        impl QueryId for $name {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    )+};
}

without_columns!(At, Due);

impl QueryFragment<Pg> for At {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(match self {
            Self::Now => "now()",
            Self::ADayAgo => "now() - interval '24 hours'",
        });
        Ok(())
    }
}

impl QueryFragment<Pg> for Due {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Never => out.push_sql("NULL"),
            Self::Now => out.push_sql("now()"),
            Self::InMicros(micros) => {
                out.push_sql("now() + interval '1 microsecond' * ");
                out.push_bind_param::<BigInt, _>(micros)?;
            }
        }
        Ok(())
    }
}

/// The date in UTC on which a run `r` was created.
pub(crate) const DAY_OF_RUN: &str = "to_char(r.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')";

/// Who created a run `r`, by id.
pub(crate) const CREATOR_OF_RUN: &str = "r.created_by::text";

/// Whether a statement failed because it waited too long for another transaction.
pub(crate) fn gave_up_waiting(error: &Error) -> bool {
    class(error) == Class::Waited
}

pub(crate) async fn lock_thread(
    c: &mut Conn,
    org: OrgId,
    thread: ThreadId,
) -> QueryResult<Option<ThreadCounters>> {
    let counters: Option<(i64, i64)> = threads::table
        .find((Id::from(org), Id::from(thread)))
        .filter(threads::deleted_at.is_null())
        .select((threads::last_position, threads::last_turn))
        .for_no_key_update()
        .first(c)
        .await
        .optional()?;
    Ok(counters.map(|(position, turn)| ThreadCounters { position, turn }))
}

pub(crate) async fn lock_head(
    c: &mut Conn,
    org: OrgId,
    run: RunId,
) -> Result<Option<RunHead>, Failure> {
    let row: Option<HeadRow> = run_heads::table
        .find((Id::from(org), Id::from(run)))
        .select(HeadRow::as_select())
        .for_no_key_update()
        .first(c)
        .await
        .optional()?;
    // Whether events have expired is only asked of runs that have ended, which nobody locks.
    Ok(row.map(|head| head.into_head(None)).transpose()?)
}

pub(crate) async fn write_run(c: &mut Conn, _: Now, new: Creation) -> QueryResult<()> {
    create::write(c, &new, None).await?;
    Ok(())
}

/// Whether no other node seals audit records until the end of the transaction: a chain has one
/// end.
pub(crate) async fn seals_alone(c: &mut Conn) -> QueryResult<bool> {
    diesel::select(sql::<Bool>(
        "pg_try_advisory_xact_lock(8247338199357352256)",
    ))
    .get_result(c)
    .await
}

/// All in one statement: each costs a journey.
pub(crate) async fn insert_seals(c: &mut Conn, rows: Vec<SealRow>) -> QueryResult<()> {
    diesel::insert_into(audit_seals::table)
        .values(rows)
        .execute(c)
        .await?;
    Ok(())
}

/// All in one statement: each costs a journey, under the lock of the configuration.
pub(crate) async fn insert_tools(c: &mut Conn, rows: Vec<McpToolRow>) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    diesel::insert_into(mcp_tools::table)
        .values(rows)
        .execute(c)
        .await?;
    Ok(())
}

/// A query that locks the rows that it reads.
macro_rules! locked {
    ($query:expr) => {
        $query.for_no_key_update()
    };
}

/// The same for rows that may be deleted: no row that refers to them comes in between.
macro_rules! locked_to_delete {
    ($query:expr) => {
        $query.for_update()
    };
}

pub(crate) use {locked, locked_to_delete};
