//! The threads that read.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use runloom_store::StoreError;
use tokio::sync::oneshot;

use super::meter::Meter;
use super::{Conn, error};
use crate::Lane;
use crate::failure::Failure;

type Job = Box<dyn FnOnce(&mut Conn) + Send>;

/// A handle to the reading threads, which end with it.
pub(super) struct Readers {
    /// Taken when the threads are to end.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    meter: Meter,
}

impl Readers {
    /// Starts a thread for each connection.
    pub(super) fn start(connections: Vec<Conn>) -> std::io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        let (inbox, meter) = (Arc::new(Mutex::new(inbox)), Meter::default());
        let threads = connections.into_iter().map(|c| {
            let (inbox, meter) = (Arc::clone(&inbox), meter.clone());
            thread::Builder::new()
                .name("sqlite-reader".to_owned())
                .spawn(move || read_all(c, &inbox, &meter))
        });
        Ok(Self {
            threads: threads.collect::<std::io::Result<_>>()?,
            jobs: Some(jobs),
            meter,
        })
    }

    /// Has `read` done. When the future is dropped before, it isn't begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Conn) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (caller, answer) = oneshot::channel();
        let job: Job = Box::new(move |c| {
            if !caller.is_closed() {
                // A caller that has gone meanwhile needs no answer.
                let _ = caller.send(read(c).map_err(error::of));
            }
        });
        let gone = || StoreError::Unavailable("the database has been closed".into());
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        self.meter.asked();
        if jobs.send(job).is_err() {
            self.meter.taken(1);
            return Err(gone());
        }
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// How busy they are.
    pub(super) fn lane(&self) -> Lane {
        self.meter.lane("reads", self.threads.len())
    }
}

/// The connections are closed when the drop returns.
impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs.take();
        for thread in self.threads.drain(..) {
            // A panic of the thread has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

/// One thread waits for a job while the others wait for it to have one.
fn read_all(mut c: Conn, inbox: &Mutex<Receiver<Job>>, meter: &Meter) {
    loop {
        let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            // A panic is the fault of one caller, who is told by the missing answer; the thread
            // serves them all.
            Ok(job) => {
                meter.taken(1);
                let work = AssertUnwindSafe(|| job(&mut c));
                drop(meter.at_work(|| panic::catch_unwind(work)));
            }
            Err(_) => return,
        }
    }
}
