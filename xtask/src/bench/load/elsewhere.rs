//! Runs that one node works on, watched on it and on another: how much later the other's watcher
//! has an event. Both are told after the same commit, so the difference is what the way between
//! nodes adds to it.

use super::Target;
use super::events::{Event, Events};
use super::result::{LoadResult, Times};
use super::run::{create_run, create_thread};
use anyhow::{Result, ensure};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// 50 deltas a second.
const ROUTE: &str = "fake-paced";
/// The first events may be read from the store by whoever begins to watch.
const FIRST: usize = 10;

pub(super) async fn load(
    owner: &Target,
    other: &Target,
    runs: usize,
    time: Duration,
) -> Result<LoadResult> {
    let begin = Instant::now();
    let tally = Rc::new(RefCell::new((LoadResult::default(), Times::new()?)));
    let mut tasks = JoinSet::new();
    for _ in 0..runs {
        let (owner, other, tally) = (owner.clone(), other.clone(), tally.clone());
        tasks.spawn_local(async move {
            while begin.elapsed() < time {
                let outcome = one(&owner, &other).await;
                let (result, delays) = &mut *tally.borrow_mut();
                match outcome {
                    Ok(all) => {
                        result.done += 1;
                        for delay in all {
                            delays.record(delay);
                        }
                    }
                    Err(error) => result.fail(&error),
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    let (result, delays) = &mut *tally.borrow_mut();
    let mut result = std::mem::take(result);
    result.seconds = begin.elapsed().as_secs_f64();
    result.latencies = [("behind_the_owner".to_owned(), delays.quantiles())].into();
    Ok(result)
}

/// A run from its creation to its end on both nodes; how much later the other had each event.
async fn one(owner: &Target, other: &Target) -> Result<Vec<Duration>> {
    let mut connection = owner.connect().await?;
    let thread = create_thread(&mut connection).await?;
    let run = create_run(&mut connection, &thread, ROUTE).await?;
    let (here, there) = tokio::try_join!(arrivals(owner, &run), arrivals(other, &run))?;
    ensure!(
        here.len() == there.len(),
        "{} and {} events",
        here.len(),
        there.len()
    );
    let pairs = here.iter().zip(&there).skip(FIRST);
    Ok(pairs
        .map(|(here, there)| there.saturating_duration_since(*here))
        .collect())
}

/// When each event of the run came.
async fn arrivals(target: &Target, run: &str) -> Result<Vec<Instant>> {
    let mut connection = target.connect().await?;
    let mut events = Events::new();
    events.follow(&mut connection, run).await?;
    let mut arrivals = Vec::new();
    loop {
        let event = events.next(&mut connection).await?;
        arrivals.push(Instant::now());
        if event == Event::Completed {
            return Ok(arrivals);
        }
    }
}
