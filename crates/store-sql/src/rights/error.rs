//! Why an organisation could not be exported, imported or deleted.

use runloom_domain::OrgId;
use runloom_store::StoreError;

use crate::copy::CopyError;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum RightsError {
    /// There is no SQLite database where one was expected.
    #[error("there is no database {0}")]
    Missing(String),
    /// The database can't be opened or used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(String),
    /// The schema is not the one that is known here.
    #[error("the schema is not as expected: {0}")]
    Schema(String),
    /// Nobody knows the organisation.
    #[error("there is no organisation {0}")]
    NoOrg(OrgId),
    /// Nobody is called so.
    #[error("nobody is called {0}")]
    NoUser(String),
    /// What a deletion has left in SQLite's file.
    #[error("bytes of what was deleted may still be in the file: {0}; ask again")]
    Unclean(String),
    /// Nothing was found, but an earlier deletion came to its end.
    #[error("{0}; an earlier deletion was cut off, and its bytes are gone from the file now")]
    Wiped(Box<Self>),
    /// What is asked for isn't done, for the reason that is given.
    #[error("{0}")]
    Refused(String),
    /// Runs that have not ended.
    #[error(
        "{0} runs have not ended; wait for them or cancel them, or export them as they are \
         by --with-live"
    )]
    Live(u64),
    /// A stored value that an export can't show.
    #[error("{field} of the {kind} {place} can't be exported: {reason}")]
    Value {
        /// The kind of line.
        kind: &'static str,
        /// The line's place among those of its kind, from 1.
        place: u64,
        /// The field.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The file is not what an export has written.
    #[error("the file is not a whole export: {0}")]
    File(String),
    /// A line of the file can't be taken.
    #[error("line {line}: {reason}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// Why.
        reason: String,
    },
    /// The file can't be read or written.
    #[error("the file failed: {0}")]
    Io(#[from] std::io::Error),
}

impl From<tokio_postgres::Error> for RightsError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(CopyError::from(error).to_string())
    }
}

impl From<diesel::result::Error> for RightsError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.to_string())
    }
}
