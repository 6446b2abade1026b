//! Transactions that may find that nothing is to be written.

use futures_util::future::BoxFuture;

use super::Conn;
use super::error::{Class, class};
use super::lanes::Lent;
use crate::failure::{Failure, Verdict};

/// How often a transaction is tried that has to give way to others.
const TRIES: u32 = 5;

/// Runs `work` on `given` in a transaction of the connection's scope, again when the database
/// sacrificed it to another.
pub(super) async fn transaction<S, T, F>(
    lent: &mut Lent,
    given: &mut S,
    work: F,
) -> Result<T, Failure>
where
    F: for<'c> Fn(&'c mut Conn, &'c mut S) -> BoxFuture<'c, Result<Verdict<T>, Failure>>,
{
    let mut tries = 1;
    loop {
        match once(lent, given, &work).await {
            Err(Failure::Sql(error)) if tries < TRIES && class(&error) == Class::Again => {
                tries += 1;
            }
            result => return result,
        }
    }
}

async fn once<S, T, F>(lent: &mut Lent, given: &mut S, work: &F) -> Result<T, Failure>
where
    F: for<'c> Fn(&'c mut Conn, &'c mut S) -> BoxFuture<'c, Result<Verdict<T>, Failure>>,
{
    let mut open = lent.begin();
    match work(&mut open, given).await {
        Ok(Verdict::Keep(value)) => {
            open.commit().await?;
            Ok(value)
        }
        Ok(Verdict::Undo(value)) => {
            open.undo().await?;
            Ok(value)
        }
        Err(failure) => {
            // The first failure says more.
            let _ = open.undo().await;
            Err(failure)
        }
    }
}
