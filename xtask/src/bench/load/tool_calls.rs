//! Runs with tool calls and runs without, in short blocks by turns, so that whatever slows the
//! machine slows all of them alike.

use super::Target;
use super::events::{Event, Events};
use super::result::{LoadResult, Times};
use super::run::{ask_for_run, create_thread};
use super::wire::Connection;
use crate::bench::compared::Compared;
use crate::bench::tool_calls::{CALLS, Kind, NONE, PERSONA, Shape, route};
use anyhow::{Context as _, Result, bail, ensure};
use std::time::{Duration, Instant};

/// Parts into which the time of each kind is cut.
const ROUNDS: u32 = 8;
/// How long each kind warms up.
const WARM_UP: Duration = Duration::from_millis(100);
/// How long the servers of tools have to list what they have.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs of one kind.
struct Cell {
    route: String,
    times: Times,
}

impl Cell {
    fn new(route: String) -> Result<Self> {
        let times = Times::new()?;
        Ok(Self { route, times })
    }

    fn p50(&self) -> f64 {
        self.times.quantiles().p50
    }
}

/// Runs with so many calls, and those without that are held against them.
struct Group {
    calls: usize,
    shape: Shape,
    /// By kind, in the order of the kinds; the last is without calls.
    cells: Vec<Cell>,
}

pub(super) async fn load(target: &Target, time: Duration) -> Result<LoadResult> {
    let mut connection = target.connect().await?;
    let mut groups = groups()?;
    for kind in Kind::ALL {
        listed(&mut connection, &route(kind, Shape::Together, 1)).await?;
    }
    let mut result = LoadResult::default();
    let begin = Instant::now();
    for round in 0..=ROUNDS {
        for group in &mut groups {
            // There and back, so that no kind is always behind the same other.
            let mut cells: Vec<&mut Cell> = group.cells.iter_mut().collect();
            if round % 2 == 1 {
                cells.reverse();
            }
            for cell in cells {
                let time = if round == 0 { WARM_UP } else { time / ROUNDS };
                let counted = (round > 0).then_some(&mut cell.times);
                result.done += block(&mut connection, &cell.route, time, counted).await?;
            }
        }
    }
    result.seconds = begin.elapsed().as_secs_f64();
    result.compared = groups.iter().flat_map(Group::compared).collect();
    Ok(result)
}

fn groups() -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    for shape in Shape::ALL {
        for calls in CALLS {
            let routes = Kind::ALL.map(|kind| route(kind, shape, calls));
            let routes = routes.into_iter().chain([NONE.to_owned()]);
            groups.push(Group {
                calls,
                shape,
                cells: routes.map(Cell::new).collect::<Result<_>>()?,
            });
        }
    }
    Ok(groups)
}

impl Group {
    /// How long a run takes, and what of it is each call's.
    fn compared(&self) -> [Compared; 2] {
        let kinds = Kind::ALL.map(Kind::as_str).into_iter().chain([NONE]);
        let runs: Vec<(String, f64)> = kinds
            .zip(&self.cells)
            .map(|(kind, cell)| (kind.to_owned(), cell.p50()))
            .collect();
        let without = runs.last().map_or(f64::NAN, |(_, time)| *time);
        let each =
            |(kind, time): &(String, f64)| (kind.clone(), (time - without) / self.calls as f64);
        let calls = runs[..Kind::ALL.len()].iter().map(each).collect();
        let name = format!("{} {}", self.calls, self.shape.as_str());
        [
            Compared::new(format!("{name}, whole run p50, ms"), runs),
            Compared::new(format!("{name}, ms a call"), calls),
        ]
    }
}

/// Starts runs one after the other, the first of which is looked at; returns how many.
async fn block(
    connection: &mut Connection,
    route: &str,
    time: Duration,
    mut times: Option<&mut Times>,
) -> Result<u64> {
    let until = Instant::now() + time;
    let mut done = 0;
    while done == 0 || Instant::now() < until {
        let (run, took) = one(connection, route).await?;
        if let Some(times) = &mut times {
            times.record(took);
        }
        if done == 0 {
            let log = log(connection, &run).await?;
            ensure!(!log.contains("error_class"), "a call failed: {log}");
        }
        done += 1;
    }
    Ok(done)
}

/// A whole run on one connection: its id, and how long it took from sending its creation.
async fn one(connection: &mut Connection, route: &str) -> Result<(String, Duration)> {
    let thread = create_thread(connection).await?;
    let body =
        format!("{{\"route_id\":\"{route}\",\"persona_id\":\"{PERSONA}\",\"input\":\"Go.\"}}");
    let begin = Instant::now();
    let run = ask_for_run(connection, &thread, &body).await?;
    let mut events = Events::after(0);
    events.follow(connection, &run).await?;
    while events.next(connection).await? != Event::Completed {}
    let took = begin.elapsed();
    events.finish(connection).await?;
    Ok((run, took))
}

/// The events of a run that has ended.
async fn log(connection: &mut Connection, run: &str) -> Result<String> {
    let path = format!("/v1/runs/{run}/events?follow=0");
    let log = connection.call("GET", &path, "", 200).await?;
    String::from_utf8(log).context("the log is no text")
}

/// Waits until runs are offered the tool.
async fn listed(connection: &mut Connection, route: &str) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let (run, _) = one(connection, route).await?;
        if !log(connection, &run).await?.contains("tool.unknown") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("no tool for {route} within {PATIENCE:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_takes_besides_is_shared_by_its_calls() {
        let mut group = groups().unwrap().remove(1);
        for (cell, millis) in group.cells.iter_mut().zip([12, 22, 32, 2]) {
            cell.times.record(Duration::from_millis(millis));
        }
        let [runs, calls] = group.compared();
        assert_eq!(runs.what, "10 together, whole run p50, ms");
        let figure = |kind| (calls.figure(kind).unwrap() * 10.0).round() as i64;
        assert_eq!([figure("built-in"), figure("stdio")], [10, 30]);
        assert_eq!(calls.figure(NONE), None);
    }
}
