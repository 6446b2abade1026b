//! How long a cancel takes: from sending it to `run.cancelled` in the run's stream.

use super::Target;
use super::events::{Event, Events};
use super::result::{LoadResult, Times};
use super::run::{create_run, create_thread};
use super::wire::Connection;
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

pub(super) async fn load(target: &Target, runs: usize) -> Result<LoadResult> {
    let begin = Instant::now();
    let mut result = LoadResult::default();
    let mut answered = Times::new()?;
    let mut cancelled = Times::new()?;
    for _ in 0..runs {
        match one(target).await {
            Ok((answer, end)) => {
                result.done += 1;
                answered.record(answer);
                cancelled.record(end);
            }
            Err(error) => result.fail(&error),
        }
    }
    result.seconds = begin.elapsed().as_secs_f64();
    result.latencies = [
        ("answer".to_owned(), answered.quantiles()),
        ("cancelled".to_owned(), cancelled.quantiles()),
    ]
    .into();
    Ok(result)
}

/// Cancels a run after its first delta, by a second connection. Returns when the request was
/// answered and when the stream said so.
async fn one(target: &Target) -> Result<(Duration, Duration)> {
    let mut connection = target.connect().await?;
    let mut other = target.connect().await?;
    let thread = create_thread(&mut connection).await?;
    let run = create_run(&mut connection, &thread, "fake-slow").await?;
    let mut events = Events::new();
    events.follow(&mut connection, &run).await?;
    while events.next(&mut connection).await? != Event::Delta {}

    let path = format!("/v1/runs/{run}:cancel");
    let begin = Instant::now();
    let request = async {
        other.call("POST", &path, "", 200).await?;
        Ok(begin.elapsed())
    };
    let end = async {
        read_to_cancelled(&mut events, &mut connection).await?;
        Ok(begin.elapsed())
    };
    tokio::try_join!(request, end)
}

async fn read_to_cancelled(events: &mut Events, connection: &mut Connection) -> Result<()> {
    loop {
        match events.next(connection).await? {
            Event::Cancelled => return Ok(()),
            Event::Completed => bail!("the run completed before it was cancelled"),
            Event::Delta | Event::Resumed | Event::Waiting | Event::Other => {}
        }
    }
}
