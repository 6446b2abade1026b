//! A part of a transaction that can fail by itself.

use diesel::connection::SimpleConnection;

use super::Conn;
use crate::failure::Failure;

/// Runs `work` in a savepoint and undoes it when `keep` says so. The outer error means that the
/// savepoint itself failed, after which the transaction is in no known state: SQLite ends it by
/// itself when the disk is full or can't be written.
///
/// One that encloses others has a name of its own: undoing it then undoes those, too, that a
/// panic has left open.
pub(super) fn savepoint<T>(
    c: &mut Conn,
    name: &str,
    work: impl FnOnce(&mut Conn) -> T,
    keep: impl FnOnce(&T) -> bool,
) -> Result<T, Failure> {
    c.batch_execute(&format!("SAVEPOINT {name}"))?;
    let result = work(c);
    c.batch_execute(&if keep(&result) {
        format!("RELEASE {name}")
    } else {
        format!("ROLLBACK TO {name}; RELEASE {name}")
    })?;
    Ok(result)
}
