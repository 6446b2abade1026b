//! Runs that outlive their server: it is killed and started again while they stream.
//!
//! It speaks with its parent: a line `streaming` when each run has had a delta. The parent kills
//! the server then; each stream comes back with its last `seq` until its run has ended.

use super::Target;
use super::events::{Event, Events};
use super::result::{LoadResult, Times};
use super::run::{DELTAS, create_run, create_thread};
use super::wire::Connection;
use anyhow::{Context, Result, bail, ensure};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// Between tries to reach the server again.
const RETRY: Duration = Duration::from_millis(10);
/// A run that isn't over after this is lost.
const LIMIT: Duration = Duration::from_mins(2);

/// What one run went through, counted from the moment the server was ready again.
struct Outcome {
    /// Until the stream said that the run goes on.
    resumed: Duration,
    /// Until its next delta.
    delta: Duration,
    /// Until its next delta, from the cut of its stream on.
    from_cut: Duration,
}

pub(super) async fn load(target: &Target, runs: usize) -> Result<LoadResult> {
    let begin = Instant::now();
    let streaming = Rc::new(Barrier::new(runs + 1));
    let mut tasks = JoinSet::new();
    for _ in 0..runs {
        let target = target.clone();
        let streaming = streaming.clone();
        tasks.spawn_local(async move {
            let lost = || anyhow::anyhow!("no end after {LIMIT:?}");
            tokio::time::timeout(LIMIT, follow(&target, &streaming))
                .await
                .unwrap_or_else(|_| Err(lost()))
        });
    }
    tokio::time::timeout(LIMIT, streaming.wait())
        .await
        .context("the runs didn't begin to stream")?;
    println!("streaming");

    let mut result = LoadResult::default();
    let mut times = [Times::new()?, Times::new()?, Times::new()?];
    while let Some(ended) = tasks.join_next().await {
        match ended? {
            Ok(outcome) => {
                result.done += 1;
                times[0].record(outcome.resumed);
                times[1].record(outcome.delta);
                times[2].record(outcome.from_cut);
            }
            Err(error) => result.fail(&error),
        }
    }
    result.seconds = begin.elapsed().as_secs_f64();
    result.latencies = ["resumed", "delta", "delta_since_kill"]
        .into_iter()
        .zip(&times)
        .map(|(name, times)| (name.to_owned(), times.quantiles()))
        .collect();
    Ok(result)
}

async fn follow(target: &Target, streaming: &Barrier) -> Result<Outcome> {
    let mut connection = target.connect().await?;
    let thread = create_thread(&mut connection).await?;
    let run = create_run(&mut connection, &thread, "fake-slow").await?;
    let mut events = Events::new();
    events.follow(&mut connection, &run).await?;
    while events.next(&mut connection).await? != Event::Delta {}
    streaming.wait().await;

    // The cut shows as an error; a run that ends first makes the measurement worthless.
    while let Ok(event) = events.next(&mut connection).await {
        if event == Event::Completed {
            bail!("the run completed before the server was killed");
        }
    }
    let cut = Instant::now();
    let mut connection = ready(target).await;
    let ready = Instant::now();
    events.follow(&mut connection, &run).await?;
    // What was committed before the kill and not yet read comes first.
    while events.next(&mut connection).await? != Event::Resumed {}
    let resumed = ready.elapsed();
    while events.next(&mut connection).await? != Event::Delta {}
    let outcome = Outcome {
        resumed,
        delta: ready.elapsed(),
        from_cut: cut.elapsed(),
    };
    while events.next(&mut connection).await? != Event::Completed {}
    ensure!(events.deltas == DELTAS, "{} deltas", events.deltas);
    Ok(outcome)
}

/// A connection to the server once it is ready.
async fn ready(target: &Target) -> Connection {
    loop {
        if let Ok(mut connection) = target.connect().await
            && connection.call("GET", "/readyz", "", 200).await.is_ok()
            && connection.is_reusable()
        {
            return connection;
        }
        tokio::time::sleep(RETRY).await;
    }
}
