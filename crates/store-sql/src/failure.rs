//! Errors inside the adapters, before they become a [`StoreError`].

use std::error::Error;

use runloom_store::StoreError;

/// Why a statement or the reading of its rows failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database said no; what it means depends on the database.
    Sql(diesel::result::Error),
    /// Already what the caller gets.
    Store(StoreError),
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a transaction has come to.
#[derive(Debug)]
pub(crate) enum Verdict<T> {
    /// Commit, then answer.
    Keep(T),
    /// Write nothing, then answer.
    Undo(T),
}

/// The error for a stored value that can't be what it should be.
pub(crate) fn corrupt(
    table: &'static str,
    column: &'static str,
    key: impl std::fmt::Debug,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> StoreError {
    StoreError::Corrupt {
        table,
        column,
        key: format!("{key:?}"),
        source: source.into(),
    }
}
