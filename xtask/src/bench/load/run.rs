//! One benchmark run as a client sees it: a thread, a run in it, its events to the end.

use super::events::{Event, Events};
use super::wire::Connection;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// What each of the benchmark's routes says.
pub(crate) const DELTAS: u64 = 50;

#[derive(Deserialize)]
struct ThreadCreated {
    id: String,
}

#[derive(Deserialize)]
struct RunCreated {
    run_id: String,
}

/// How long a run took, from sending its creation.
#[derive(Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) first_delta: Duration,
    pub(crate) end: Duration,
}

/// Makes a thread and returns its id.
pub(crate) async fn create_thread(connection: &mut Connection) -> Result<String> {
    let answer = connection.call("POST", "/v1/threads", "{}", 201).await?;
    let thread: ThreadCreated = serde_json::from_slice(&answer).context("no thread")?;
    Ok(thread.id)
}

/// Starts a run on `route` and returns its id.
pub(crate) async fn create_run(
    connection: &mut Connection,
    thread: &str,
    route: &str,
) -> Result<String> {
    let body = format!("{{\"route_id\":\"{route}\"}}");
    ask_for_run(connection, thread, &body).await
}

/// Starts the run that `body` asks for and returns its id.
pub(crate) async fn ask_for_run(
    connection: &mut Connection,
    thread: &str,
    body: &str,
) -> Result<String> {
    let path = format!("/v1/threads/{thread}/runs");
    let answer = connection.call("POST", &path, body, 201).await?;
    let run: RunCreated = serde_json::from_slice(&answer).context("no run")?;
    Ok(run.run_id)
}

/// A whole run on one connection. Anything but 50 right deltas in dense order is an error.
pub(crate) async fn whole_run(connection: &mut Connection, route: &str) -> Result<Timing> {
    let thread = create_thread(connection).await?;
    let begin = Instant::now();
    let run = create_run(connection, &thread, route).await?;
    follow_run(connection, &run, begin, DELTAS).await
}

/// The events of a run that was asked for at `begin`, to its end after so many deltas.
pub(crate) async fn follow_run(
    connection: &mut Connection,
    run: &str,
    begin: Instant,
    deltas: u64,
) -> Result<Timing> {
    let mut events = Events::new();
    events.follow(connection, run).await?;
    let mut first_delta = None;
    loop {
        match events.next(connection).await? {
            Event::Delta => {
                first_delta.get_or_insert_with(|| begin.elapsed());
            }
            Event::Completed => break,
            Event::Cancelled => bail!("the run was cancelled"),
            Event::Resumed | Event::Waiting | Event::Other => {}
        }
    }
    let end = begin.elapsed();
    events.finish(connection).await?;
    ensure!(events.deltas == deltas, "{} deltas", events.deltas);
    Ok(Timing {
        first_delta: first_delta.context("no delta")?,
        end,
    })
}
