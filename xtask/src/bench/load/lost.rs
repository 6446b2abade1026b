//! Runs whose node is killed or asked to stop while another is watched: how long it takes until
//! they go on elsewhere.

use super::Target;
use super::events::{Event, Events};
use super::result::{LoadResult, Times};
use super::run::{DELTAS, create_run, create_thread};
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;

/// Between the first delta of the last run and the end of the node.
const STREAM: Duration = Duration::from_secs(1);
/// A run that isn't over after this is lost.
const LIMIT: Duration = Duration::from_mins(2);

pub(super) async fn load(
    owner: &Target,
    other: &Target,
    runs: usize,
    process: i32,
    signal: Signal,
) -> Result<LoadResult> {
    let begin = Instant::now();
    let streaming = Rc::new(Barrier::new(runs + 1));
    let (sent, ended_at) = watch::channel(None);
    let mut tasks = JoinSet::new();
    for _ in 0..runs {
        let run = Run {
            owner: owner.clone(),
            other: other.clone(),
            streaming: streaming.clone(),
            ended_at: ended_at.clone(),
        };
        let lost = || anyhow::anyhow!("no end after {LIMIT:?}");
        tasks.spawn_local(async move {
            let followed = tokio::time::timeout(LIMIT, run.follow()).await;
            followed.unwrap_or_else(|_| Err(lost()))
        });
    }
    let streams = tokio::time::timeout(LIMIT, streaming.wait()).await;
    streams.context("the runs didn't begin to stream")?;
    tokio::time::sleep(STREAM).await;
    let node = Pid::from_raw(process).context("no process")?;
    sent.send_replace(Some(Instant::now()));
    kill_process(node, signal).context("the node has gone")?;

    let mut result = LoadResult::default();
    let mut resumed = Times::new()?;
    while let Some(outcome) = tasks.join_next().await {
        match outcome? {
            Ok(time) => {
                result.done += 1;
                resumed.record(time);
            }
            Err(error) => result.fail(&error),
        }
    }
    result.seconds = begin.elapsed().as_secs_f64();
    result.latencies = [("resumed".to_owned(), resumed.quantiles())].into();
    Ok(result)
}

struct Run {
    owner: Target,
    other: Target,
    streaming: Rc<Barrier>,
    /// When the node was sent its signal.
    ended_at: watch::Receiver<Option<Instant>>,
}

impl Run {
    /// From the signal until the stream said that the run goes on. The run must complete.
    async fn follow(self) -> Result<Duration> {
        let mut connection = self.owner.connect().await?;
        let thread = create_thread(&mut connection).await?;
        let run = create_run(&mut connection, &thread, "fake-slow").await?;
        let mut connection = self.other.connect().await?;
        let mut events = Events::new();
        events.follow(&mut connection, &run).await?;
        while events.next(&mut connection).await? != Event::Delta {}
        self.streaming.wait().await;
        loop {
            match events.next(&mut connection).await? {
                Event::Resumed => break,
                Event::Completed => bail!("the run completed before its node ended"),
                Event::Delta | Event::Cancelled | Event::Waiting | Event::Other => {}
            }
        }
        let ended_at = *self.ended_at.borrow();
        let resumed = ended_at.context("resumed before its node ended")?.elapsed();
        while events.next(&mut connection).await? != Event::Completed {}
        ensure!(events.deltas == DELTAS, "{} deltas", events.deltas);
        Ok(resumed)
    }
}
