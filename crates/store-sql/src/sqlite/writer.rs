//! The one thread that writes, and its group commit.
//!
//! The thread takes a job and whatever else waits, runs them all in one transaction, commits,
//! and answers. It never waits for more to come: while it commits, the next group gathers.

use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use diesel::connection::SimpleConnection;
use runloom_store::StoreError;
use tokio::sync::oneshot;

use super::Conn;
use super::error::{self, Lost};
use super::meter::Meter;
use super::savepoint::savepoint;
use crate::Lane;
use crate::failure::{Failure, Verdict};

/// How many jobs share a transaction at most.
const GROUP: usize = 4_000;

/// A handle to the writing thread, which ends with it.
pub(super) struct Writer {
    orders: Mutex<Option<Sender<Order>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    meter: Meter,
}

enum Order {
    Write(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread. It keeps `lock` for as long as it has the file open.
    pub(super) fn start(c: Conn, lock: File) -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let meter = Meter::default();
        let counted = meter.clone();
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || write_all(c, lock, &inbox, &counted))?;
        Ok(Self {
            orders: Mutex::new(Some(orders)),
            thread: Mutex::new(Some(thread)),
            meter,
        })
    }

    /// Has `work` done in a transaction. It is done even when the future is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<Verdict<T>, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (caller, answer) = oneshot::channel();
        let work = Work {
            todo: Some(work),
            result: None,
            caller,
        };
        self.meter.asked();
        let sent = self.send(Order::Write(Box::new(work)));
        sent.inspect_err(|_| self.meter.taken(1))?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Ends the thread after all that was asked for before.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (done, closed) = oneshot::channel();
        // Already closed is closed.
        if self.send(Order::Close(done)).is_ok() {
            let _ = closed.await;
        }
        Ok(())
    }

    /// How busy it is.
    pub(super) fn lane(&self) -> Lane {
        self.meter.lane("writes", 1)
    }

    fn send(&self, order: Order) -> Result<(), StoreError> {
        let orders = self.orders.lock().map_err(|_| closed())?;
        let orders = orders.as_ref().ok_or_else(closed)?;
        orders.send(order).map_err(|_| closed())
    }
}

/// The database file is closed, and its lock free, when the drop returns.
impl Drop for Writer {
    fn drop(&mut self) {
        if let Ok(mut orders) = self.orders.lock() {
            orders.take();
        }
        if let Ok(mut thread) = self.thread.lock()
            && let Some(thread) = thread.take()
        {
            // A panic of the thread has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the database has been closed".into())
}

/// One caller's part of a transaction.
trait Job: Send {
    /// Does the work and says whether to keep it.
    fn run(&mut self, c: &mut Conn) -> bool;
    /// Answers the caller, when the transaction has been committed or lost.
    fn answer(self: Box<Self>, lost: Option<&Lost>);
}

struct Work<T, F> {
    todo: Option<F>,
    result: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&mut Conn) -> Result<Verdict<T>, Failure> + Send,
{
    fn run(&mut self, c: &mut Conn) -> bool {
        let Some(work) = self.todo.take() else {
            return false;
        };
        // A panic is the fault of one caller, whose part is undone; the thread serves them all.
        let (keep, result) = match panic::catch_unwind(AssertUnwindSafe(|| work(c))) {
            Ok(Ok(Verdict::Keep(value))) => (true, Ok(value)),
            Ok(Ok(Verdict::Undo(value))) => (false, Ok(value)),
            Ok(Err(failure)) => (false, Err(error::of(failure))),
            Err(_) => (
                false,
                Err(StoreError::Rejected("the write panicked".into())),
            ),
        };
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, lost: Option<&Lost>) {
        let result = match (self.result, lost) {
            // Its own error says more than the transaction's.
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), None) => Ok(value),
            (_, Some(lost)) => Err(lost.error()),
            (None, None) => Err(closed()),
        };
        // A caller that is gone needs no answer.
        let _ = self.caller.send(result);
    }
}

fn write_all(mut c: Conn, lock: File, inbox: &Receiver<Order>, meter: &Meter) {
    let mut jobs = Vec::new();
    let mut closing = None;
    while closing.is_none()
        && let Ok(order) = inbox.recv()
    {
        let waiting = std::iter::once(order).chain(inbox.try_iter());
        for order in waiting.take(GROUP) {
            match order {
                Order::Write(job) => jobs.push(job),
                Order::Close(done) => closing = Some(done),
            }
        }
        if !jobs.is_empty() {
            meter.taken(jobs.len());
            meter.at_work(|| commit_together(&mut c, &mut jobs));
        }
    }
    // Without it the next start reads the whole write-ahead log; nothing is lost either way.
    let _ = c.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)");
    drop(c);
    drop(lock);
    if let Some(done) = closing {
        let _ = done.send(());
    }
}

fn commit_together(c: &mut Conn, jobs: &mut Vec<Box<dyn Job>>) {
    let lost = transaction(c, jobs).err().map(|failure| {
        // The transaction may have ended by itself; then this says so, and that is all right.
        let _ = c.batch_execute("ROLLBACK");
        Lost::from(failure)
    });
    for job in jobs.drain(..) {
        job.answer(lost.as_ref());
    }
}

fn transaction(c: &mut Conn, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    c.batch_execute("BEGIN IMMEDIATE")?;
    let keep = match jobs {
        [only] => only.run(c),
        many => {
            for job in many {
                savepoint(c, "job", |c| job.run(c), |keep| *keep)?;
            }
            true
        }
    };
    c.batch_execute(if keep { "COMMIT" } else { "ROLLBACK" })?;
    Ok(())
}
