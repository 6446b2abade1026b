//! What PostgreSQL's errors mean.
//!
//! diesel-async passes on the kind of an error for constraints and serialization failures, and
//! otherwise only its text, not its code. So the texts of conditions that matter are known
//! here, in English; `migrate` warns when the server speaks another language.

use diesel::result::{DatabaseErrorKind, Error};
use runloom_store::StoreError;

use crate::failure::{Failure, corrupt};

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The database refuses the data.
    Data,
    /// Rolled back for the sake of another transaction: at once again.
    Again,
    /// Waited too long for another transaction.
    Waited,
    /// The connection is gone, and with it the answer.
    Lost,
    /// There is no room.
    Full,
    /// Rolled back; it may work later.
    Later,
}

const AGAIN: [&str; 2] = ["deadlock detected", "could not serialize access"];
const WAITED: &str = "canceling statement due to lock timeout";
const FULL: [&str; 2] = ["No space left on device", "disk full"];
const LOST: &str = "terminating connection";
const LATER: [&str; 10] = [
    "canceling statement",
    "the database system is",
    "too many clients",
    "remaining connection slots",
    "out of memory",
    "out of shared memory",
    "could not obtain lock",
    "conflict with recovery",
    "could not write",
    "could not read",
];

pub(super) fn class(error: &Error) -> Class {
    use DatabaseErrorKind as Kind;
    match error {
        Error::DatabaseError(kind, info) => match kind {
            Kind::SerializationFailure => Class::Again,
            Kind::ClosedConnection | Kind::UnableToSendCommand => Class::Lost,
            Kind::ReadOnlyTransaction => Class::Later,
            Kind::Unknown => class_of_text(info.message()),
            _ => Class::Data,
        },
        Error::BrokenTransactionManager | Error::NotFound => Class::Later,
        _ => Class::Data,
    }
}

fn class_of_text(text: &str) -> Class {
    let is_one_of = |known: &[&str]| known.iter().any(|known| text.contains(known));
    if is_one_of(&AGAIN) {
        Class::Again
    } else if text.contains(WAITED) {
        Class::Waited
    } else if text.contains(LOST) {
        Class::Lost
    } else if is_one_of(&FULL) {
        Class::Full
    } else if is_one_of(&LATER) {
        Class::Later
    } else {
        Class::Data
    }
}

/// Whether a text is that of an error of a transaction that gave way to another.
pub(super) fn gave_way(text: &str) -> bool {
    matches!(class_of_text(text), Class::Again | Class::Waited)
}

/// The error of a statement to which no answer came.
pub(super) fn lost(why: &str) -> Error {
    Error::DatabaseError(
        DatabaseErrorKind::ClosedConnection,
        Box::new(why.to_owned()),
    )
}

/// The error that a caller gets.
pub(super) fn of(failure: Failure) -> StoreError {
    match failure {
        Failure::Store(error) => error,
        Failure::Sql(error) => of_statement(error),
    }
}

pub(super) fn of_statement(error: Error) -> StoreError {
    if let Error::DeserializationError(_) = error {
        return corrupt("row", "unknown", "a query", error);
    }
    match class(&error) {
        Class::Data => StoreError::Rejected(error.into()),
        Class::Full => StoreError::Full(error.into()),
        Class::Again | Class::Waited | Class::Lost | Class::Later => {
            StoreError::Unavailable(error.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_class() {
        let cases = [
            ("deadlock detected", Class::Again),
            ("canceling statement due to lock timeout", Class::Waited),
            ("canceling statement due to statement timeout", Class::Later),
            (
                "could not extend file \"base/1\": No space left on device",
                Class::Full,
            ),
            ("the database system is shutting down", Class::Later),
            (
                "terminating connection due to administrator command",
                Class::Lost,
            ),
            (
                "invalid byte sequence for encoding \"UTF8\": 0x00",
                Class::Data,
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(class_of_text(text), expected, "{text}");
        }
    }
}
