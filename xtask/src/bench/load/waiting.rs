//! Runs that come to wait for a person, by turns for an approval and for an answer.

use super::Target;
use super::events::{Event, Events};
use super::result::{LoadResult, Times};
use super::run::{ask_for_run, create_thread};
use anyhow::{Result, bail};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;
use tokio::task::JoinSet;

/// The persona, and the route, whose calls want an approval.
pub(crate) const APPROVAL: &str = "approval";
/// Those that ask.
pub(crate) const QUESTION: &str = "question";

/// Clients that make runs at the same time.
const CLIENTS: usize = 32;

struct Tally {
    left: usize,
    result: LoadResult,
    waits: Times,
}

/// Makes so many runs and leaves them waiting, or answers each and reads it to its end.
pub(super) async fn load(target: &Target, runs: usize, answered: bool) -> Result<LoadResult> {
    let begin = Instant::now();
    let tally = Rc::new(RefCell::new(Tally {
        left: runs,
        result: LoadResult::default(),
        waits: Times::new()?,
    }));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn_local(client(target.clone(), answered, tally.clone()));
    }
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    let mut tally = tally.borrow_mut();
    let mut result = std::mem::take(&mut tally.result);
    result.seconds = begin.elapsed().as_secs_f64();
    result.latencies = [("create_to_wait".to_owned(), tally.waits.quantiles())].into();
    Ok(result)
}

async fn client(target: Target, answered: bool, tally: Rc<RefCell<Tally>>) {
    loop {
        let who = {
            let mut tally = tally.borrow_mut();
            if tally.left == 0 {
                return;
            }
            tally.left -= 1;
            [APPROVAL, QUESTION][tally.left % 2]
        };
        let outcome = one(&target, who, answered, &tally).await;
        let mut tally = tally.borrow_mut();
        match outcome {
            Ok(()) => tally.result.done += 1,
            Err(error) => tally.result.fail(&error),
        }
    }
}

/// One run. The stream of one that goes on waiting is closed with its connection.
async fn one(target: &Target, who: &str, answered: bool, tally: &Rc<RefCell<Tally>>) -> Result<()> {
    let mut connection = target.connect().await?;
    let thread = create_thread(&mut connection).await?;
    let body = format!("{{\"route_id\":\"{who}\",\"persona_id\":\"{who}\",\"input\":\"Go.\"}}");
    let begin = Instant::now();
    let run = ask_for_run(&mut connection, &thread, &body).await?;
    let mut events = Events::after(0);
    events.follow(&mut connection, &run).await?;
    loop {
        match events.next(&mut connection).await? {
            Event::Waiting => break,
            Event::Completed | Event::Cancelled => bail!("the run has ended"),
            Event::Delta | Event::Resumed | Event::Other => {}
        }
    }
    tally.borrow_mut().waits.record(begin.elapsed());
    if answered {
        let path = format!("/v1/runs/{run}/input");
        let mut other = target.connect().await?;
        other
            .call("POST", &path, "{\"content\":\"approve\"}", 200)
            .await?;
        while events.next(&mut connection).await? != Event::Completed {}
    }
    Ok(())
}
