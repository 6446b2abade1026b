//! Threads created, read, renamed and deleted, each request counted and timed.

use super::Target;
use super::result::{LoadResult, Times};
use super::run::create_thread;
use super::wire::Connection;
use anyhow::Result;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const WARM_UP: Duration = Duration::from_secs(2);

struct Tally {
    result: LoadResult,
    request: Times,
    from: Instant,
    until: Instant,
}

impl Tally {
    fn record(&mut self, begin: Instant) {
        let now = Instant::now();
        if now >= self.from && now < self.until {
            self.result.done += 1;
            self.request.record(now - begin);
        }
    }
}

pub(super) async fn load(target: &Target, clients: usize, time: Duration) -> Result<LoadResult> {
    let from = Instant::now() + WARM_UP;
    let tally = Rc::new(RefCell::new(Tally {
        result: LoadResult::default(),
        request: Times::new()?,
        from,
        until: from + time,
    }));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        tasks.spawn_local(client(target.clone(), from + time, tally.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    let mut tally = tally.borrow_mut();
    let request = tally.request.quantiles();
    let mut result = std::mem::take(&mut tally.result);
    result.seconds = time.as_secs_f64();
    result.latencies = [("request".to_owned(), request)].into();
    Ok(result)
}

async fn client(target: Target, until: Instant, tally: Rc<RefCell<Tally>>) {
    let mut slot = None;
    while Instant::now() < until {
        let outcome = match target.usable(&mut slot).await {
            Ok(connection) => one(connection, &tally).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tally.borrow_mut().result.fail(&error);
            slot = None;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// One thread's life in four requests.
async fn one(connection: &mut Connection, tally: &RefCell<Tally>) -> Result<()> {
    let begin = Instant::now();
    let thread = create_thread(connection).await?;
    tally.borrow_mut().record(begin);
    let path = format!("/v1/threads/{thread}");
    for (method, body, status) in [
        ("GET", "", 200),
        ("PATCH", r#"{"title":"renamed"}"#, 200),
        ("DELETE", "", 204),
    ] {
        let begin = Instant::now();
        connection.call(method, &path, body, status).await?;
        tally.borrow_mut().record(begin);
    }
    Ok(())
}
