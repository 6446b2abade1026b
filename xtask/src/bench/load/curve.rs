//! Runs and lists by turns, each request timed: what may grow with the number of finished runs.

use super::Target;
use super::result::{LoadResult, Times};
use super::run::{DELTAS, create_run, create_thread, follow_run};
use super::wire::Connection;
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use runloom_domain::{Clock as _, SystemClock};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The middle of the time over which finished runs are spread.
const DEEP_MICROS: i64 = 15 * 24 * 3_600 * 1_000_000;
/// Rounds that warm the server up.
const WARM_UP: usize = 10;

#[derive(Deserialize)]
struct Thread {
    id: String,
}

struct Tally {
    result: LoadResult,
    times: BTreeMap<String, Times>,
}

impl Tally {
    fn record(&mut self, what: &str, time: Duration) -> Result<()> {
        if !self.times.contains_key(what) {
            self.times.insert(what.to_owned(), Times::new()?);
        }
        if let Some(times) = self.times.get_mut(what) {
            times.record(time);
        }
        Ok(())
    }
}

pub(super) async fn load(target: &Target, clients: usize, time: Duration) -> Result<LoadResult> {
    let begin = Instant::now();
    let mut connection = target.connect().await?;
    let lists = Rc::new(lists(&mut connection).await?);
    let tally = Rc::new(RefCell::new(Tally {
        result: LoadResult::default(),
        times: BTreeMap::new(),
    }));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (target, lists, tally) = (target.clone(), lists.clone(), tally.clone());
        tasks.spawn_local(async move {
            let mut slot = None;
            let mut round = 0;
            while begin.elapsed() < time {
                let outcome = match target.usable(&mut slot).await {
                    Ok(connection) => one(connection, &lists).await,
                    Err(error) => Err(error),
                };
                let recorded: Result<()> = outcome.and_then(|times| {
                    round += 1;
                    tally.borrow_mut().result.done += 1;
                    let mut counted = times.into_iter().filter(|_| round > WARM_UP);
                    counted.try_for_each(|(what, time)| tally.borrow_mut().record(what, time))
                });
                if let Err(error) = recorded {
                    tally.borrow_mut().result.fail(&error);
                    slot = None;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    let mut tally = tally.borrow_mut();
    let times = std::mem::take(&mut tally.times);
    let mut result = std::mem::take(&mut tally.result);
    result.seconds = begin.elapsed().as_secs_f64();
    result.latencies = times
        .into_iter()
        .map(|(what, times)| (what, times.quantiles()))
        .collect();
    Ok(result)
}

/// What is listed, by name.
async fn lists(connection: &mut Connection) -> Result<Vec<(&'static str, String)>> {
    let deep = cursor(SystemClock.now().as_micros() - DEEP_MICROS)?;
    let mut threads = Vec::new();
    // Where nothing is so old, the newest thread will do.
    for path in [
        format!("/v1/threads?limit=1&before={deep}"),
        "/v1/threads?limit=1".to_owned(),
    ] {
        let page = connection.call("GET", &path, "", 200).await?;
        let page: Vec<Thread> = serde_json::from_slice(&page).context("no threads")?;
        threads.extend(page);
    }
    let thread = threads.first().context("there is no thread")?;
    Ok(vec![
        ("list", "/v1/runs".to_owned()),
        ("list_deep", format!("/v1/runs?before={deep}")),
        ("list_running", "/v1/runs?status=running".to_owned()),
        ("list_failed", "/v1/runs?status=failed,cancelled".to_owned()),
        (
            "list_completed",
            format!("/v1/runs?status=completed&before={deep}"),
        ),
        ("list_thread", format!("/v1/threads/{}/runs", thread.id)),
        ("list_threads", format!("/v1/threads?before={deep}")),
    ])
}

/// A cursor behind everything that was made at this time or later.
fn cursor(micros: i64) -> Result<String> {
    let micros = u64::try_from(micros).context("the clock is wrong")?;
    let millis = u128::from(micros / 1000);
    let mut bytes = [1; 25];
    bytes[1..9].copy_from_slice(&micros.to_be_bytes());
    bytes[9..].copy_from_slice(&(millis << 80).to_be_bytes());
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// A run to its end and each list once; what each took.
async fn one(
    connection: &mut Connection,
    lists: &[(&'static str, String)],
) -> Result<Vec<(&'static str, Duration)>> {
    let thread = create_thread(connection).await?;
    let begin = Instant::now();
    let run = create_run(connection, &thread, "fake-a").await?;
    let created = begin.elapsed();
    let timing = follow_run(connection, &run, begin, DELTAS).await?;
    let mut times = vec![("create", created), ("create_to_delta", timing.first_delta)];
    for (name, path) in lists {
        let begin = Instant::now();
        connection.call("GET", path, "", 200).await?;
        times.push((name, begin.elapsed()));
    }
    Ok(times)
}
