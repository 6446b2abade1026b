//! Transactions that may find that nothing is to be written.

use diesel_async::{AnsiTransactionManager as Transaction, TransactionManager};
use futures_util::future::BoxFuture;

use super::Conn;
use super::error::{Class, class};
use crate::failure::{Failure, Verdict};

/// How often a transaction is tried that has to give way to others.
const TRIES: u32 = 5;

/// Runs `work` on `given` in a transaction, again when the database sacrificed it to another.
pub(super) async fn transaction<S, T, F>(c: &mut Conn, given: &mut S, work: F) -> Result<T, Failure>
where
    F: for<'c> Fn(&'c mut Conn, &'c mut S) -> BoxFuture<'c, Result<Verdict<T>, Failure>>,
{
    let mut tries = 1;
    loop {
        match once(c, given, &work).await {
            Err(Failure::Sql(error)) if tries < TRIES && class(&error) == Class::Again => {
                tries += 1;
            }
            result => return result,
        }
    }
}

async fn once<S, T, F>(c: &mut Conn, given: &mut S, work: &F) -> Result<T, Failure>
where
    F: for<'c> Fn(&'c mut Conn, &'c mut S) -> BoxFuture<'c, Result<Verdict<T>, Failure>>,
{
    Transaction::begin_transaction(c).await?;
    match work(c, given).await {
        Ok(Verdict::Keep(value)) => {
            Transaction::commit_transaction(c).await?;
            Ok(value)
        }
        Ok(Verdict::Undo(value)) => {
            Transaction::rollback_transaction(c).await?;
            Ok(value)
        }
        Err(failure) => {
            // The first failure says more; a connection that can't roll back is not used again.
            let _ = Transaction::rollback_transaction(c).await;
            Err(failure)
        }
    }
}
