//! A part of a transaction that can fail by itself.

use diesel::connection::SimpleConnection;

use super::Conn;
use crate::failure::Failure;

/// Runs `work` in a savepoint and undoes it when `keep` says so. The outer error means that the
/// savepoint itself failed, after which the transaction is in no known state: SQLite ends it by
/// itself when the disk is full or can't be written.
pub(super) fn savepoint<T>(
    c: &mut Conn,
    work: impl FnOnce(&mut Conn) -> T,
    keep: impl FnOnce(&T) -> bool,
) -> Result<T, Failure> {
    c.batch_execute("SAVEPOINT part")?;
    let result = work(c);
    c.batch_execute(if keep(&result) {
        "RELEASE part"
    } else {
        "ROLLBACK TO part; RELEASE part"
    })?;
    Ok(result)
}
