//! Many streams of silent runs, held open at once until their runs end.
//!
//! It speaks with its parent: a line `open` when all streams have had their first delta, so that
//! the parent can weigh the server, and the result when all have ended.

use super::Target;
use super::events::{Event, Events};
use super::result::{LoadResult, Times};
use super::run::{create_run, create_thread};
use anyhow::{Context, Result, bail};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Runs that are being created at one time.
const CREATING: usize = 64;
/// A silent run ends by itself after about a minute; one that takes this long is lost.
const LIMIT: Duration = Duration::from_mins(3);

struct Tally {
    result: LoadResult,
    first_delta: Times,
}

pub(super) async fn load(target: &Target, streams: usize) -> Result<LoadResult> {
    let begin = Instant::now();
    let tally = Rc::new(RefCell::new(Tally {
        result: LoadResult::default(),
        first_delta: Times::new()?,
    }));
    let creating = Rc::new(Semaphore::new(CREATING));
    let (settled, mut count) = watch::channel(0_usize);
    let settled = Rc::new(settled);
    let mut tasks = JoinSet::new();
    for _ in 0..streams {
        let stream = Stream {
            target: target.clone(),
            creating: creating.clone(),
            settled: settled.clone(),
            tally: tally.clone(),
        };
        tasks.spawn_local(stream.follow());
    }
    count
        .wait_for(|&count| count == streams)
        .await
        .context("the streams have gone")?;
    println!("open");
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    let mut tally = tally.borrow_mut();
    let first_delta = tally.first_delta.quantiles();
    let mut result = std::mem::take(&mut tally.result);
    result.seconds = begin.elapsed().as_secs_f64();
    result.latencies = [("create_to_delta".to_owned(), first_delta)].into();
    Ok(result)
}

struct Stream {
    target: Target,
    creating: Rc<Semaphore>,
    settled: Rc<watch::Sender<usize>>,
    tally: Rc<RefCell<Tally>>,
}

impl Stream {
    async fn follow(self) {
        let outcome = match self.open().await {
            Ok(opened) => {
                self.settle();
                match tokio::time::timeout(LIMIT, to_the_end(opened)).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(anyhow::anyhow!("no end after {LIMIT:?}")),
                }
            }
            Err(error) => {
                self.settle();
                Err(error)
            }
        };
        let mut tally = self.tally.borrow_mut();
        match outcome {
            Ok(()) => tally.result.done += 1,
            Err(error) => tally.result.fail(&error),
        }
    }

    fn settle(&self) {
        self.settled.send_modify(|count| *count += 1);
    }

    /// Starts a run and reads to its first delta.
    async fn open(&self) -> Result<(super::wire::Connection, Events)> {
        let _permit = self.creating.acquire().await?;
        let mut connection = self.target.connect().await?;
        let thread = create_thread(&mut connection).await?;
        let begin = Instant::now();
        let run = create_run(&mut connection, &thread, "fake-hold").await?;
        let mut events = Events::new();
        events.follow(&mut connection, &run).await?;
        while events.next(&mut connection).await? != Event::Delta {}
        self.tally.borrow_mut().first_delta.record(begin.elapsed());
        Ok((connection, events))
    }
}

async fn to_the_end((mut connection, mut events): (super::wire::Connection, Events)) -> Result<()> {
    loop {
        match events.next(&mut connection).await? {
            Event::Completed => return Ok(()),
            Event::Cancelled => bail!("the run was cancelled"),
            Event::Delta | Event::Resumed | Event::Waiting | Event::Other => {}
        }
    }
}
