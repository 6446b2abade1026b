//! A transaction's last statement and its commit in one journey.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use diesel::QueryResult;
use diesel::connection::InstrumentationEvent;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use futures_util::future::{BoxFuture, join};

use super::Conn;
use super::scope::Open;

impl Open<'_> {
    /// Sends the last statement, which must be one that stays prepared, and the commit right
    /// behind it, and waits for both.
    ///
    /// Only when the session has yet to prepare the statement, the commit waits for its answer: it
    /// would come before it. If that ever went wrong, the statement would find nothing, as without
    /// a scope.
    pub(super) async fn last<'s, T>(
        &'s mut self,
        statement: impl FnOnce(&'s Conn) -> BoxFuture<'s, QueryResult<T>>,
    ) -> QueryResult<T> {
        let is_new = watch(self.c);
        let c: &'s Conn = &*self.c;
        // Out of its turn, too, so that the first poll sends.
        let mut statement = pin!(tokio::task::unconstrained(statement(c)));
        let first = poll_fn(|context| Poll::Ready(statement.as_mut().poll(context))).await;
        let commit = async { (&mut &*c).batch_execute("COMMIT").await };
        let (done, committed) = match first {
            Poll::Ready(done) => (done, commit.await),
            Poll::Pending if AtomicBool::load(&is_new, Ordering::Relaxed) => {
                (statement.await, commit.await)
            }
            Poll::Pending => join(statement, commit).await,
        };
        self.is_over = true;
        let done = done?;
        committed?;
        Ok(done)
    }
}

/// Tells from now on whether a statement is prepared.
fn watch(c: &mut Conn) -> Arc<AtomicBool> {
    let is_new = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_new);
    c.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
            told.store(true, Ordering::Relaxed);
        }
    });
    is_new
}
