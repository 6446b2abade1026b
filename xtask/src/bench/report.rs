//! The table and the JSON.

use super::compared::{self, Compared};
use super::load::result::{LoadResult, Quantiles};
use super::targets::Checked;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything that one call of the benchmark found.
#[derive(Serialize)]
pub(crate) struct Report {
    store: &'static str,
    cores: usize,
    /// Cores that others kept busy just before; figures are only worth something near zero.
    busy_before: f64,
    /// Of the disk that the data is on, in milliseconds.
    pub(crate) fdatasync: Quantiles,
    pub(crate) rows: Vec<Measured>,
    pub(crate) targets: Vec<Checked>,
    pub(crate) failures: Vec<String>,
}

/// One row. What a row doesn't measure is absent.
#[derive(Serialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) done: Option<u64>,
    pub(crate) per_second: Option<f64>,
    pub(crate) errors: u64,
    first_error: Option<String>,
    /// By what was timed, in milliseconds.
    pub(crate) latencies: BTreeMap<String, Quantiles>,
    /// Other counts by name.
    pub(crate) counts: BTreeMap<String, u64>,
    /// Figures of several kinds of runs.
    pub(crate) compared: Vec<Compared>,
    /// Highest resident memory of the server in bytes.
    pub(crate) memory: Option<u64>,
    /// Bytes of the server's memory for each open stream.
    pub(crate) memory_per_stream: Option<u64>,
    /// Cores that each process kept busy on average.
    pub(crate) server_cores: Option<f64>,
    pub(crate) database_cores: Option<f64>,
    load_cores: Option<f64>,
}

impl Measured {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            done: None,
            per_second: None,
            errors: 0,
            first_error: None,
            latencies: BTreeMap::new(),
            counts: BTreeMap::new(),
            compared: Vec::new(),
            memory: None,
            memory_per_stream: None,
            server_cores: None,
            database_cores: None,
            load_cores: None,
        }
    }

    pub(crate) fn from_load(name: String, result: LoadResult) -> Self {
        let per_second = result.rate();
        let mut measured = Self::new(name);
        measured.done = Some(result.done);
        measured.per_second = Some(per_second);
        measured.errors = result.errors;
        measured.first_error = result.first_error;
        measured.latencies = result.latencies;
        measured.compared = result.compared;
        measured.load_cores = Some(result.cores);
        measured
    }

    /// Adds what another load found; `suffix` tells its times from those that are there.
    pub(crate) fn add(&mut self, suffix: &str, result: LoadResult) {
        self.done = Some(self.done.unwrap_or_default() + result.done);
        self.errors += result.errors;
        self.first_error = self.first_error.take().or(result.first_error);
        let times = result.latencies.into_iter();
        self.latencies
            .extend(times.map(|(what, times)| (format!("{what}{suffix}"), times)));
    }

    pub(crate) fn count(&mut self, what: &str, count: u64) {
        self.counts.insert(what.to_owned(), count);
    }

    pub(crate) fn latency(&mut self, what: &str, quantiles: Quantiles) {
        self.latencies.insert(what.to_owned(), quantiles);
    }
}

impl Report {
    pub(crate) fn new(store: &'static str, busy_before: f64, fdatasync: Quantiles) -> Self {
        Self {
            store,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            busy_before,
            fdatasync,
            rows: Vec::new(),
            targets: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.store == "postgres"
    }

    /// The report as text. Rows that time several things have a line for each.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "\nstore {}, {} cores, {:.1} busy before, fdatasync p50 {:.2} ms p99 {:.2} ms\n\n{:<16} {:>7} {:>9} {:>6} {:<17} {:>9} {:>9} {:>9} {:>8} {:>6} {:>6} {:>6}\n",
            self.store,
            self.cores,
            self.busy_before,
            self.fdatasync.p50,
            self.fdatasync.p99,
            "row",
            "done",
            "per s",
            "errors",
            "timed, ms",
            "p50",
            "p99",
            "max",
            "MiB",
            "server",
            "db",
            "load"
        );
        for row in &self.rows {
            row.write(&mut text);
        }
        if !self.targets.is_empty() {
            text.push_str("\ntargets\n");
        }
        for target in &self.targets {
            target.write(&mut text);
        }
        text
    }
}

impl Measured {
    fn write(&self, text: &mut String) {
        let decimals = |value: Option<f64>, digits: usize| {
            value.map_or_else(String::new, |value| format!("{value:.digits$}"))
        };
        let mut latencies = self.latencies.iter();
        let first = latencies.next();
        // Writing to a string can't fail, here and below.
        let _ = writeln!(
            text,
            "{:<16} {:>7} {:>9} {:>6} {} {:>8} {:>6} {:>6} {:>6}",
            self.name,
            self.done.map_or_else(String::new, |done| done.to_string()),
            decimals(self.per_second, 1),
            self.errors,
            timed(first),
            decimals(self.memory.map(mebibytes), 1),
            decimals(self.server_cores, 2),
            decimals(self.database_cores, 2),
            decimals(self.load_cores, 2),
        );
        for latency in latencies {
            let _ = writeln!(text, "{:<41} {}", "", timed(Some(latency)));
        }
        for (what, count) in &self.counts {
            let _ = writeln!(text, "{:<41} {what} {count}", "");
        }
        text.push_str(&compared::table(&self.compared));
        if let Some(bytes) = self.memory_per_stream {
            let _ = writeln!(text, "{:<41} {:.1} KiB a stream", "", bytes as f64 / 1024.0);
        }
        if let Some(error) = &self.first_error {
            let _ = writeln!(text, "{:<16} first error: {error}", "");
        }
    }
}

fn timed(latency: Option<(&String, &Quantiles)>) -> String {
    latency.map_or_else(
        || " ".repeat(47),
        |(what, times)| {
            format!(
                "{what:<17} {:>9.2} {:>9.2} {:>9.2}",
                times.p50, times.p99, times.max
            )
        },
    )
}

pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
