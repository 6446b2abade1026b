//! Closed loop: each client starts its next run when the last one has ended.

use super::Target;
use super::result::{LoadResult, Times};
use super::run::{Timing, whole_run};
use anyhow::Result;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Runs that end before this much has passed warm caches and connections up and aren't counted.
const WARM_UP: Duration = Duration::from_secs(2);

struct Tally {
    result: LoadResult,
    first_delta: Times,
    end: Times,
}

impl Tally {
    fn record(&mut self, outcome: Result<Timing>, from: Instant, until: Instant) {
        let now = Instant::now();
        match outcome {
            Ok(timing) if now >= from && now < until => {
                self.result.done += 1;
                self.first_delta.record(timing.first_delta);
                self.end.record(timing.end);
            }
            Ok(_) => {}
            Err(error) => self.result.fail(&error),
        }
    }
}

/// The clients use the `targets` by turns.
pub(super) async fn load(
    targets: &[Target],
    clients: usize,
    route: &str,
    time: Duration,
) -> Result<LoadResult> {
    let tally = Rc::new(RefCell::new(Tally {
        result: LoadResult::default(),
        first_delta: Times::new()?,
        end: Times::new()?,
    }));
    let from = Instant::now() + WARM_UP;
    let until = from + time;
    let mut tasks = JoinSet::new();
    for target in targets.iter().cycle().take(clients) {
        let client = client(target.clone(), route.to_owned(), from, until, tally.clone());
        tasks.spawn_local(client);
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    let mut tally = tally.borrow_mut();
    let latencies = [
        ("create_to_delta", tally.first_delta.quantiles()),
        ("create_to_end", tally.end.quantiles()),
    ];
    let mut result = std::mem::take(&mut tally.result);
    result.seconds = time.as_secs_f64();
    result.latencies = latencies
        .map(|(name, quantiles)| (name.to_owned(), quantiles))
        .into();
    Ok(result)
}

async fn client(
    target: Target,
    route: String,
    from: Instant,
    until: Instant,
    tally: Rc<RefCell<Tally>>,
) {
    let mut slot = None;
    while Instant::now() < until {
        let outcome = one(&target, &mut slot, &route).await;
        let refused = outcome.is_err();
        tally.borrow_mut().record(outcome, from, until);
        if refused {
            slot = None;
            // A server that refuses everything must not turn this loop into a busy one.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn one(
    target: &Target,
    slot: &mut Option<super::wire::Connection>,
    route: &str,
) -> Result<Timing> {
    whole_run(target.usable(slot).await?, route).await
}
