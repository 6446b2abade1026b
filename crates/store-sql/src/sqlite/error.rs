//! What SQLite's errors mean. Diesel passes on their text and, for constraints, their kind.

use diesel::result::{DatabaseErrorKind, Error};
use runloom_store::StoreError;

use crate::failure::{Failure, corrupt};

/// The text of `SQLITE_FULL`.
const FULL: &str = "disk is full";

/// Texts of conditions that may pass.
const PASSING: [&str; 7] = [
    "is locked",
    "disk I/O error",
    "unable to open database file",
    "out of memory",
    "interrupted",
    "readonly database",
    "locking protocol",
];

/// The error that a caller gets.
pub(super) fn of(failure: Failure) -> StoreError {
    match failure {
        Failure::Store(error) => error,
        Failure::Sql(error) => of_statement(error),
    }
}

pub(super) fn of_statement(error: Error) -> StoreError {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            let text = info.message();
            if text.contains(FULL) {
                StoreError::Full(error.into())
            } else if PASSING.iter().any(|known| text.contains(known)) {
                StoreError::Unavailable(error.into())
            } else {
                StoreError::Rejected(error.into())
            }
        }
        Error::DeserializationError(_) => corrupt("row", "unknown", "a query", error),
        Error::NotFound => StoreError::Unavailable(error.into()),
        _ => StoreError::Rejected(error.into()),
    }
}

/// Why a whole transaction is lost, to be told to each of its callers.
#[derive(Debug)]
pub(super) struct Lost {
    full: bool,
    text: String,
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        let error = of(failure);
        let text = std::error::Error::source(&error).map(ToString::to_string);
        Self {
            full: matches!(error, StoreError::Full(_)),
            text: text.unwrap_or_else(|| error.to_string()),
        }
    }
}

impl Lost {
    pub(super) fn error(&self) -> StoreError {
        let source = self.text.clone().into();
        if self.full {
            StoreError::Full(source)
        } else {
            StoreError::Unavailable(source)
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    use super::*;

    fn error(setup: &str, statement: &str) -> StoreError {
        let mut c = SqliteConnection::establish(":memory:").unwrap();
        c.batch_execute(setup).unwrap();
        of_statement(c.batch_execute(statement).unwrap_err())
    }

    #[test]
    fn a_full_disk_is_told_from_bad_data() {
        let table = "CREATE TABLE t (a INTEGER NOT NULL UNIQUE, b TEXT) STRICT";
        let full = error(
            &format!("{table}; PRAGMA max_page_count = 4"),
            "INSERT INTO t VALUES (1, printf('%.100000c', 'x'))",
        );
        assert!(matches!(full, StoreError::Full(_)), "{full:?}");
        for bad in ["(NULL, '')", "('text', '')", "(1, ''), (1, '')"] {
            let refused = error(table, &format!("INSERT INTO t VALUES {bad}"));
            assert!(matches!(refused, StoreError::Rejected(_)), "{refused:?}");
        }
    }
}
