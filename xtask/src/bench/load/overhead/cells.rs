//! What the blocks of each kind have come to.

use crate::bench::compared::Compared;
use crate::bench::load::result::{LoadResult, Times};
use crate::bench::overhead::{Kind, WORDS};
use anyhow::Result;
use std::time::Duration;

/// How a kind is loaded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) clients: usize,
    /// Deltas of each run.
    pub(super) words: u64,
}

/// Blocks of one kind and mode.
pub(super) struct Cell {
    pub(super) result: LoadResult,
    pub(super) time: Duration,
    /// Processor time.
    pub(super) server: Duration,
    pub(super) database: Option<Duration>,
    create: Times,
    end: Times,
}

impl Cell {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            result: LoadResult::default(),
            time: Duration::ZERO,
            server: Duration::ZERO,
            database: None,
            create: Times::new()?,
            end: Times::new()?,
        })
    }

    pub(super) fn record(&mut self, create: Duration, end: Duration) {
        self.result.done += 1;
        self.create.record(create);
        self.end.record(end);
    }

    fn add(&mut self, other: &Self) -> Result<()> {
        self.result.done += other.result.done;
        self.result.errors += other.result.errors;
        let first = &mut self.result.first_error;
        *first = first.take().or_else(|| other.result.first_error.clone());
        self.time += other.time;
        self.server += other.server;
        self.database = other
            .database
            .map(|time| time + self.database.unwrap_or_default());
        self.create.add(&other.create)?;
        self.end.add(&other.end)
    }

    /// A time of all runs as milliseconds of each.
    fn of_each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1000.0 / self.result.done as f64
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Cells(Vec<(Kind, Mode, Cell)>);

impl Cells {
    pub(super) fn add(&mut self, kind: Kind, mode: Mode, cell: Cell) -> Result<()> {
        let known = |(of, by, _): &&mut (Kind, Mode, Cell)| *of == kind && *by == mode;
        if let Some((_, _, sum)) = self.0.iter_mut().find(known) {
            sum.add(&cell)
        } else {
            self.0.push((kind, mode, cell));
            Ok(())
        }
    }

    pub(super) fn into_result(self, time: Duration) -> LoadResult {
        let mut result = LoadResult {
            seconds: time.as_secs_f64(),
            ..LoadResult::default()
        };
        for (_, _, cell) in &self.0 {
            result.done += cell.result.done;
            result.errors += cell.result.errors;
            let first = &mut result.first_error;
            *first = first.take().or_else(|| cell.result.first_error.clone());
        }
        for clients in super::CLIENTS {
            result.compared.extend(self.compared(clients));
        }
        result
    }

    /// The figures under a number of clients.
    fn compared(&self, clients: usize) -> Vec<Compared> {
        let [few, many] = WORDS;
        let of_words = |figure: fn(&Cell) -> Option<f64>| {
            WORDS.map(|words| self.by_kind(Mode { clients, words }, figure))
        };
        let by = if clients == 1 { "client" } else { "clients" };
        let name = |what: &str| format!("{clients} {by}, {what}");
        let mut all = Vec::new();
        let mut both = |what: &str, figure: fn(&Cell) -> Option<f64>| {
            for (words, of) in WORDS.into_iter().zip(of_words(figure)) {
                all.push(Compared::new(name(&format!("{what}, {words} deltas")), of));
            }
        };
        both("create p50, ms", |cell| Some(cell.create.quantiles().p50));
        both("create p99, ms", |cell| Some(cell.create.quantiles().p99));
        both("whole run p50, ms", |cell| Some(cell.end.quantiles().p50));
        both("runs a second", |cell| {
            Some(cell.result.done as f64 / cell.time.as_secs_f64())
        });
        let mut split = |what: &str, figure: fn(&Cell) -> Option<f64>| {
            let [short, long] = of_words(figure);
            let parts = short
                .into_iter()
                .zip(long)
                .map(|((kind, short), (_, long))| {
                    let (run, delta) = parts((few, short), (many, long));
                    ((kind.clone(), run), (kind, delta * 1000.0))
                });
            let (runs, deltas): (Vec<_>, Vec<_>) = parts.unzip();
            all.push(Compared::new(name(&format!("{what} ms a run")), runs));
            all.push(Compared::new(name(&format!("{what} us a delta")), deltas));
        };
        split("wall", |cell| Some(cell.end.quantiles().p50));
        split("server", |cell| Some(cell.of_each(cell.server)));
        split("database", |cell| {
            cell.database.map(|time| cell.of_each(time))
        });
        all.retain(|compared| !compared.is_empty());
        all
    }

    fn by_kind(&self, mode: Mode, figure: fn(&Cell) -> Option<f64>) -> Vec<(String, f64)> {
        let find = |kind: Kind| {
            let cell = self.0.iter().find(|(of, by, _)| *of == kind && *by == mode);
            Some((kind.as_str().to_owned(), figure(&cell?.2)?))
        };
        Kind::ALL.into_iter().filter_map(find).collect()
    }
}

/// What each run takes and what each delta, told by runs of few deltas and by runs of many.
fn parts((few, short): (u64, f64), (many, long): (u64, f64)) -> (f64, f64) {
    let delta = (long - short) / (many - few) as f64;
    ((few as f64).mul_add(-delta, short), delta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_grow_with_the_deltas_is_the_runs() {
        let (run, delta) = parts((10, 3.0), (410, 7.0));
        assert!((delta - 0.01).abs() < 1e-9, "{delta}");
        assert!((run - 2.9).abs() < 1e-9, "{run}");
    }

    #[test]
    fn blocks_of_one_kind_are_added_up() {
        let mode = Mode {
            clients: 1,
            words: WORDS[0],
        };
        let mut cells = Cells::default();
        for millis in [2, 4] {
            let mut cell = Cell::new().unwrap();
            cell.record(Duration::from_millis(1), Duration::from_millis(millis));
            cell.server = Duration::from_millis(millis);
            cells.add(Kind::Plain, mode, cell).unwrap();
        }
        let all = cells.by_kind(mode, |cell| Some(cell.of_each(cell.server)));
        assert_eq!(all, [("plain".to_owned(), 3.0)]);
        assert_eq!(cells.into_result(Duration::from_secs(1)).done, 2);
    }
}
