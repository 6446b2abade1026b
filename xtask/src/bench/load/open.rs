//! Open loop: runs start on a timetable. Latency counts from the time a run was due, so that a
//! server that falls behind can't hide it by slowing the load down.

use super::Target;
use super::result::{LoadResult, Times};
use super::run::whole_run;
use super::wire::Connection;
use anyhow::{Result, ensure};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// More runs at once than this means that the server doesn't keep up at all.
const MAX_AT_ONCE: usize = 4000;

struct Tally {
    result: LoadResult,
    first_delta: Times,
    end: Times,
    idle: Vec<Connection>,
}

pub(super) async fn load(target: &Target, rate: u64, time: Duration) -> Result<LoadResult> {
    ensure!(rate > 0, "the rate must be at least 1");
    let tally = Rc::new(RefCell::new(Tally {
        result: LoadResult::default(),
        first_delta: Times::new()?,
        end: Times::new()?,
        idle: Vec::new(),
    }));
    let interval = Duration::from_secs(1) / u32::try_from(rate)?;
    let begin = Instant::now();
    let mut due = begin;
    let mut tasks = JoinSet::new();
    while due < begin + time {
        tokio::time::sleep_until(due).await;
        while tasks.try_join_next().is_some() {}
        if tasks.len() < MAX_AT_ONCE {
            tasks.spawn_local(one(target.clone(), due, tally.clone()));
        } else {
            let error = anyhow::anyhow!("{MAX_AT_ONCE} runs at once");
            tally.borrow_mut().result.fail(&error);
        }
        due += interval;
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let mut tally = tally.borrow_mut();
    let latencies = [
        ("create_to_delta", tally.first_delta.quantiles()),
        ("create_to_end", tally.end.quantiles()),
    ];
    let mut result = std::mem::take(&mut tally.result);
    result.seconds = seconds;
    result.latencies = latencies
        .map(|(name, quantiles)| (name.to_owned(), quantiles))
        .into();
    Ok(result)
}

async fn one(target: Target, due: Instant, tally: Rc<RefCell<Tally>>) {
    let late = due.elapsed();
    let mut slot = tally.borrow_mut().idle.pop();
    let outcome = match target.usable(&mut slot).await {
        Ok(connection) => whole_run(connection, "fake-a").await,
        Err(error) => Err(error),
    };
    let mut tally = tally.borrow_mut();
    match outcome {
        Ok(timing) => {
            tally.result.done += 1;
            tally.first_delta.record(late + timing.first_delta);
            tally.end.record(late + timing.end);
            tally.idle.extend(slot);
        }
        Err(error) => tally.result.fail(&error),
    }
}
