//! One connection of either database, for statements that both run alike. Parameters are called
//! `$1`, `$2` and so on, and come for the first time in that order.

mod postgres;
mod sqlite;

use std::sync::Arc;

use runloom_domain::Clock;
use serde_json::Value;
use uuid::Uuid;

use self::postgres::Postgres;
use self::sqlite::Sqlite;
use super::{Place, RightsError};
use crate::copy::image::{Image, Kind};

/// The values of a row, in the order of what was asked for.
pub(super) type Row = Vec<Image>;

/// A parameter.
pub(super) type Argument = (Kind, Image);

/// What is done with each row. An error ends the reading.
pub(super) type Each<'a> = dyn FnMut(Row) -> Result<(), RightsError> + 'a;

/// A connection as whoever owns the tables.
pub(super) enum Session {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Session {
    /// For reading beside whoever uses the database. Its schema must be the present one.
    pub(super) async fn reading(place: &Place) -> Result<Self, RightsError> {
        match place {
            Place::Sqlite(folder) => Sqlite::reading(folder).map(Self::Sqlite),
            Place::Postgres(url) => Postgres::reading(url).await.map(Self::Postgres),
        }
    }

    /// For writing; brings the database to the present schema. On SQLite nobody else may use it.
    pub(super) async fn writing(place: &Place, clock: Arc<dyn Clock>) -> Result<Self, RightsError> {
        match place {
            Place::Sqlite(folder) => Sqlite::writing(folder, clock).map(Self::Sqlite),
            Place::Postgres(url) => Postgres::writing(url).await.map(Self::Postgres),
        }
    }

    /// As [`writing`](Self::writing), where there is a database already.
    pub(super) async fn changing(
        place: &Place,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RightsError> {
        if let Place::Sqlite(folder) = place {
            sqlite::existing(folder)?;
        }
        Self::writing(place, clock).await
    }

    /// Whether others may be writing.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// What makes text go by its bytes.
    pub(super) const fn collation(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " COLLATE \"C\"",
        }
    }

    /// A query for the ids of the list in parameter `place`, which [`ids`] has made.
    pub(super) fn ids_of(&self, place: usize) -> String {
        match self {
            Self::Sqlite(_) => format!("SELECT unhex(value) FROM json_each(${place})"),
            Self::Postgres(_) => {
                format!("SELECT value::uuid FROM json_array_elements_text(${place}::json)")
            }
        }
    }

    /// A query for the texts of the list in parameter `place`, which [`texts`] has made.
    pub(super) fn texts_of(&self, place: usize) -> String {
        match self {
            Self::Sqlite(_) => format!("SELECT value FROM json_each(${place})"),
            Self::Postgres(_) => {
                format!("SELECT value FROM json_array_elements_text(${place}::json)")
            }
        }
    }

    /// Begins a transaction that sees the database as it is at its first statement.
    pub(super) async fn begin_reading(&mut self) -> Result<(), RightsError> {
        let begin = match self {
            Self::Sqlite(_) => "BEGIN",
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.run(begin).await
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&mut self) -> Result<(), RightsError> {
        let begin = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        };
        self.run(begin).await
    }

    /// Keeps the parts of PostgreSQL's log from being dropped until the transaction ends.
    pub(super) async fn keep_log_parts(&mut self) -> Result<(), RightsError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => session.run("LOCK TABLE events IN ACCESS SHARE MODE").await,
        }
    }

    /// Runs a statement without parameters.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), RightsError> {
        match self {
            Self::Sqlite(session) => session.run(sql),
            Self::Postgres(session) => session.run(sql).await,
        }
    }

    /// Runs a statement and says how many rows it has changed.
    pub(super) async fn execute(
        &mut self,
        sql: &str,
        arguments: &[Argument],
    ) -> Result<u64, RightsError> {
        match self {
            Self::Sqlite(session) => {
                let_others_run().await;
                session.execute(sql, arguments)
            }
            Self::Postgres(session) => session.execute(sql, arguments).await,
        }
    }

    /// Hands over the rows of a query one by one.
    pub(super) async fn each(
        &mut self,
        sql: &str,
        arguments: &[Argument],
        kinds: &[Kind],
        each: &mut Each<'_>,
    ) -> Result<(), RightsError> {
        match self {
            Self::Sqlite(session) => session.each(sql, arguments, kinds, each),
            Self::Postgres(session) => session.each(sql, arguments, kinds.len(), each).await,
        }
    }

    /// The rows of a query that has few.
    pub(super) async fn rows(
        &mut self,
        sql: &str,
        arguments: &[Argument],
        kinds: &[Kind],
    ) -> Result<Vec<Row>, RightsError> {
        let mut rows = Vec::new();
        let mut keep = |row| {
            rows.push(row);
            Ok(())
        };
        self.each(sql, arguments, kinds, &mut keep).await?;
        Ok(rows)
    }

    /// The one number that a query asks for.
    pub(super) async fn number(
        &mut self,
        sql: &str,
        arguments: &[Argument],
    ) -> Result<u64, RightsError> {
        let rows = self.rows(sql, arguments, &[Kind::BigInt]).await?;
        let number = rows.first().and_then(|row| row.first()?.as_number());
        Ok(number
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(0))
    }

    /// Runs a statement for each of the rows.
    pub(super) async fn insert(
        &mut self,
        sql: &str,
        kinds: &[Kind],
        rows: &[Row],
    ) -> Result<(), RightsError> {
        match self {
            Self::Sqlite(session) => {
                let_others_run().await;
                session.insert(sql, kinds, rows)
            }
            Self::Postgres(session) => session.insert(sql, kinds, rows).await,
        }
    }

    /// Frees what the database has open for others.
    pub(super) async fn close(self) -> Result<(), RightsError> {
        match self {
            Self::Sqlite(session) => session.close().await,
            Self::Postgres(_) => Ok(()),
        }
    }
}

/// SQLite's statements wait for nothing, so whoever wants to drop the work is let in before each.
async fn let_others_run() {
    tokio::task::yield_now().await;
}

/// An id as a parameter.
pub(super) fn id(id: Uuid) -> Argument {
    (Kind::Id, Image::id(id))
}

/// A text as a parameter.
pub(super) fn text(text: impl Into<String>) -> Argument {
    (Kind::Text, Image::text(text))
}

/// A list of ids as a parameter.
pub(super) fn ids(ids: impl Iterator<Item = Uuid>) -> Argument {
    texts(ids.map(|id| id.simple().to_string()).collect())
}

/// A list of texts as a parameter.
pub(super) fn texts(texts: Vec<String>) -> Argument {
    text(Value::from(texts).to_string())
}
