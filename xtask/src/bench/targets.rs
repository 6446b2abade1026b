//! What the figures are held against, on two cores with the load (and the database) included.

use super::load::result::Quantiles;
use super::report::{Measured, Report, mebibytes};
use serde::Serialize;
use std::fmt::Write as _;

/// A figure beside its target.
#[derive(Serialize)]
pub(crate) struct Checked {
    what: String,
    measured: f64,
    target: f64,
    met: bool,
}

impl Checked {
    fn at_most(what: &str, measured: f64, target: f64) -> Self {
        Self {
            what: format!("{what} <="),
            measured,
            target,
            met: measured <= target,
        }
    }

    fn at_least(what: &str, measured: f64, target: f64) -> Self {
        Self {
            what: format!("{what} >="),
            measured,
            target,
            met: measured >= target,
        }
    }

    pub(crate) fn write(&self, text: &mut String) {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "  {:<5} {:<54} {:>9.2}: {:.2}",
            if self.met { "met" } else { "short" },
            self.what,
            self.target,
            self.measured
        );
    }
}

/// Each target whose row was measured.
pub(crate) fn check(report: &Report) -> Vec<Checked> {
    report
        .rows
        .iter()
        .flat_map(|row| check_row(report, row))
        .collect()
}

fn check_row(report: &Report, row: &Measured) -> Vec<Checked> {
    let name = row.name.as_str();
    let rate = row.per_second.unwrap_or_default();
    let mut checked = Vec::new();
    match name {
        "cold-start" => checked.extend(
            timed(row, "ready").map(|time| Checked::at_most("cold start p50, ms", time.p50, 200.0)),
        ),
        "idle" => checked.extend(
            row.memory
                .map(|memory| Checked::at_most("idle memory, MiB", mebibytes(memory), 40.0)),
        ),
        "one" => checked.extend(timed(row, "create_to_delta").map(|time| {
            let target = 4.0f64.mul_add(report.fdatasync.p50, 1.2);
            Checked::at_most("first delta p50, 1.2 ms + 4 fdatasync", time.p50, target)
        })),
        "closed-64" | "closed-256" => {
            let target = if report.is_postgres() { 500.0 } else { 600.0 };
            checked.push(Checked::at_least(
                &format!("{name}, runs a second"),
                rate,
                target,
            ));
        }
        "open-400" => checked.extend(
            timed(row, "create_to_delta")
                .map(|time| Checked::at_most("open loop first delta p99, ms", time.p99, 50.0)),
        ),
        "threads-200" => {
            checked.push(Checked::at_least("thread requests a second", rate, 8000.0));
        }
        "held-5000" => checked.extend(
            row.memory_per_stream
                .map(|bytes| Checked::at_most("a held stream, KiB", bytes as f64 / 1024.0, 24.0)),
        ),
        "elsewhere-nats" => checked.extend(behind(row, 5.0)),
        "elsewhere-database" => checked.extend(behind(row, 10.0)),
        "elsewhere-alone" => checked.extend(behind(row, 2000.0)),
        "overhead" => checked.extend(overhead(row)),
        "tool-calls" if !report.is_postgres() => checked.extend(tool_calls(row)),
        "auth" => checked.extend(auth(row)),
        "waiting-10000" => checked.extend(waiting(row)),
        "usage-100k" => checked.extend(
            row.latencies
                .iter()
                .map(|(what, time)| Checked::at_most(&format!("{what} p99, ms"), time.p99, 1000.0)),
        ),
        "kill-60" => checked.extend(resumed(row, 20_000.0)),
        "stop-60" => checked.extend(resumed(row, 2_000.0)),
        _ => {}
    }
    if row.done.is_some() {
        checked.push(Checked::at_most(
            &format!("{name}, errors"),
            row.errors as f64,
            0.0,
        ));
    }
    checked
}

/// What finding out who asks takes, how soon a revoked key is refused, whether the time tells who
/// is registered, and what signing in does to others.
fn auth(row: &Measured) -> Vec<Checked> {
    let mut checked = Vec::new();
    let figure = |what: &str, kind: &str| {
        let compared = row.compared.iter().find(|compared| compared.what == what)?;
        compared.figure(kind)
    };
    for kind in ["token", "key"] {
        let took = figure("authenticate, us (p50)", kind);
        let what = format!("authenticate by {kind} p50, us");
        checked.extend(took.map(|took| Checked::at_most(&what, took, 50.0)));
    }
    for (what, times) in &row.latencies {
        if what.starts_with("revoked_") {
            checked.push(Checked::at_most(
                &format!("{what} at the latest, ms"),
                times.max,
                2_000.0,
            ));
        }
    }
    let refused = "refuse a login, ms (p50)";
    if let (Some(wrong), Some(unknown)) = (figure(refused, "wrong"), figure(refused, "unknown")) {
        let apart = wrong.max(unknown) / wrong.min(unknown);
        let what = "a wrong password and an unknown name, times apart";
        checked.push(Checked::at_most(what, apart, 1.1));
    }
    let beside = timed(row, "beside_logins");
    let what = "a request beside 200 logins p99, ms";
    checked.extend(beside.map(|times| Checked::at_most(what, times.p99, 250.0)));
    checked
}

fn behind(row: &Measured, target: f64) -> Option<Checked> {
    let time = timed(row, "behind_the_owner")?;
    let what = format!("{}, behind the owner p99, ms", row.name);
    Some(Checked::at_most(&what, time.p99, target))
}

fn resumed(row: &Measured, target: f64) -> Option<Checked> {
    let time = timed(row, "resumed")?;
    let what = format!("{}, resumed at the latest, ms", row.name);
    Some(Checked::at_most(&what, time.max, target))
}

/// What runs that are routed, accounted for and limited take, as a multiple of those that aren't.
fn overhead(row: &Measured) -> impl Iterator<Item = Checked> {
    let parts = row.compared.iter();
    let parts = parts.filter(|c| c.what.ends_with(" a run") || c.what.ends_with(" a delta"));
    parts.filter_map(|compared| {
        let what = format!("full, times plain: {}", compared.what);
        Some(Checked::at_most(&what, compared.ratio("full")?, 1.05))
    })
}

/// What a call of a tool of the program's own takes, when the model asks for all of them at once.
fn tool_calls(row: &Measured) -> impl Iterator<Item = Checked> {
    let calls = row
        .compared
        .iter()
        .filter(|compared| compared.what.ends_with(" together, ms a call"));
    calls.filter_map(|compared| {
        let what = format!("built-in tool, {}", compared.what);
        Some(Checked::at_most(&what, compared.figure("built-in")?, 1.0))
    })
}

/// Runs that wait hold nothing but a little memory.
fn waiting(row: &Measured) -> impl Iterator<Item = Checked> {
    let targets = [
        ("bytes_a_waiting_run", 1024.0),
        ("more_sockets", 0.0),
        ("more_threads", 0.0),
        ("runs_owned", 0.0),
    ];
    targets.into_iter().filter_map(|(what, target)| {
        let count = *row.counts.get(what)?;
        Some(Checked::at_most(
            &format!("waiting, {what}"),
            count as f64,
            target,
        ))
    })
}

fn timed(row: &Measured, what: &str) -> Option<Quantiles> {
    row.latencies.get(what).copied()
}
