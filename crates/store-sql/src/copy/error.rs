//! Why a copy did not come to its end.

use runloom_store::StoreError;

use crate::postgres::connect::describe;

/// Why a database could not be copied. Nothing of the source is lost by it.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no SQLite database where one was expected.
    #[error("there is no database {0}")]
    Missing(String),
    /// One of the databases can't be opened or migrated.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target is in use by something else.
    #[error("the target has rows in {0} already; copy into a new database")]
    NotEmpty(String),
    /// Somebody else copies into the same target.
    #[error("another copy into the target is under way")]
    Busy,
    /// PostgreSQL would store text in another encoding.
    #[error("the target's encoding is {0}; make it with ENCODING 'UTF8'")]
    Encoding(String),
    /// The two databases don't have the same tables and columns.
    #[error("the schemas differ: {0}")]
    Schema(String),
    /// PostgreSQL can't hold a value.
    #[error("{table}.{column} of the row {key} can't be copied: {reason}")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// Names the row.
        key: String,
        /// What is wrong with the value.
        reason: &'static str,
    },
    /// The copy is not equal.
    #[error("{table} is not the same in both: {difference}")]
    Different {
        /// The table.
        table: &'static str,
        /// The first difference.
        difference: String,
    },
    /// SQLite failed while it was read.
    #[error("can't read SQLite: {0}")]
    Source(String),
    /// PostgreSQL failed.
    #[error("PostgreSQL failed: {0}")]
    Target(String),
}

impl From<tokio_postgres::Error> for CopyError {
    fn from(error: tokio_postgres::Error) -> Self {
        let place = error.as_db_error().and_then(|error| error.where_());
        let place = place.map(|place| format!(" ({place})"));
        Self::Target(describe(&error) + &place.unwrap_or_default())
    }
}
