//! Runs of organisations that differ, in short blocks by turns, so that whatever slows the machine
//! slows all of them alike.

mod cells;

use super::Target;
use super::result::LoadResult;
use super::run::{ask_for_run, create_thread, follow_run};
use super::wire::Connection;
use crate::bench::overhead::{Kind, WORDS};
use crate::bench::usage;
use anyhow::{Result, ensure};
use cells::{Cell, Cells, Mode};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Clients of both loads.
const CLIENTS: [usize; 2] = [1, 32];
/// Parts into which the time of each kind is cut.
const ROUNDS: u32 = 8;
/// How long each kind warms up.
const WARM_UP: Duration = Duration::from_millis(300);

/// Whose processor time is read.
#[derive(Clone, Copy)]
pub(super) struct Processes {
    pub(super) server: u32,
    pub(super) database: Option<u32>,
}

/// `target` has the keys of all organisations, by commas. Each kind is measured for `time` in
/// each of the modes.
pub(super) async fn load(
    target: &Target,
    processes: Processes,
    time: Duration,
) -> Result<LoadResult> {
    let targets: Vec<Target> = target
        .key
        .split(',')
        .map(|key| Target {
            address: target.address,
            key: key.to_owned(),
        })
        .collect();
    ensure!(targets.len() == Kind::ALL.len(), "not a key for each kind");
    let mut kinds: Vec<_> = Kind::ALL.into_iter().zip(targets).collect();
    let modes = CLIENTS.map(|clients| WORDS.map(|words| Mode { clients, words }));
    let mut cells = Cells::default();
    let begin = Instant::now();
    for round in 0..=ROUNDS {
        // There and back, so that no kind is always behind the same other.
        kinds.reverse();
        for mode in modes.iter().flatten() {
            for (kind, target) in &kinds {
                let time = if round == 0 { WARM_UP } else { time / ROUNDS };
                let cell = block(target, *kind, *mode, time, processes).await?;
                if round > 0 {
                    cells.add(*kind, *mode, cell)?;
                }
            }
        }
    }
    Ok(cells.into_result(begin.elapsed()))
}

/// One block, with the processor time that it took.
async fn block(
    target: &Target,
    kind: Kind,
    mode: Mode,
    time: Duration,
    processes: Processes,
) -> Result<Cell> {
    let database = || {
        processes
            .database
            .map(usage::processor_of_family)
            .transpose()
    };
    let (server_before, database_before) = (usage::processor(processes.server)?, database()?);
    let begin = Instant::now();
    let cell = Rc::new(RefCell::new(Cell::new()?));
    let mut clients = JoinSet::new();
    for _ in 0..mode.clients {
        let client = client(target.clone(), kind, mode.words, begin + time, cell.clone());
        clients.spawn_local(client);
    }
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    let mut cell = cell.replace(Cell::new()?);
    cell.time = begin.elapsed();
    cell.server = usage::processor(processes.server)?.saturating_sub(server_before);
    cell.database = match (database_before, database()?) {
        (Some(before), Some(after)) => Some(after.saturating_sub(before)),
        _ => None,
    };
    Ok(cell)
}

/// Starts runs one after the other.
async fn client(target: Target, kind: Kind, words: u64, until: Instant, cell: Rc<RefCell<Cell>>) {
    let mut slot = None;
    let body = body(kind, words);
    while Instant::now() < until {
        let outcome = match target.usable(&mut slot).await {
            Ok(connection) => one(connection, &body, words).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok((create, end)) => cell.borrow_mut().record(create, end),
            Err(error) => {
                cell.borrow_mut().result.fail(&error);
                slot = None;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// The same for all, but that a run without routes of its own names one.
fn body(kind: Kind, words: u64) -> String {
    let mut body = serde_json::json!({ "input": "How late are the deliveries?",
        "metadata": { "tier": "gold", "words": words } });
    if !kind.is_routed() {
        body["route_id"] = format!("words-{words}").into();
    }
    body.to_string()
}

/// How long it took to create a run, and until its end.
async fn one(connection: &mut Connection, body: &str, words: u64) -> Result<(Duration, Duration)> {
    let thread = create_thread(connection).await?;
    let begin = Instant::now();
    let run = ask_for_run(connection, &thread, body).await?;
    let created = begin.elapsed();
    let timing = follow_run(connection, &run, begin, words).await?;
    Ok((created, timing.end))
}
