//! What the driver says: a line now and then, and a summary at the end.

use super::check::Violation;
use super::nemesis::Done;
use super::seen::Seen;
use super::truth::STRANGER;
use super::views::Views;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// Violations that are printed; the file has all.
const SHOWN: usize = 20;

/// Counts of one run of the driver.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) counts: Vec<(String, u64)>,
    pub(crate) violations: Vec<Violation>,
}

impl Report {
    pub(crate) fn new(views: &Views, done: &Done, time: Duration) -> Self {
        let mut report = Self::default();
        report.add("seconds", time.as_secs());
        for (name, count) in &done.counts {
            report.add(*name, *count);
        }
        for (name, count) in outcomes(&views.seen) {
            report.add(name, count);
        }
        let mut statuses: BTreeMap<&str, u64> = BTreeMap::new();
        for run in views.runs.values() {
            *statuses.entry(&run.status).or_default() += 1;
        }
        for (status, count) in statuses {
            report.add(format!("runs {status}"), count);
        }
        let stored = views.runs.values().map(|run| run.events.len() as u64).sum();
        report.add("events stored", stored);
        let seen = views.seen.streams.iter();
        report.add("event streams", views.seen.streams.len() as u64);
        report.add(
            "events seen and compared",
            seen.map(|it| it.lines.len() as u64).sum(),
        );
        report.add("events of other versions seen", strangers(views));
        report.add("runs resumed", count_events(views, "run.resumed"));
        report.add("provider calls compared", views.calls.len() as u64);
        report.add("effects compared", views.effects.len() as u64);
        report
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, count: u64) {
        self.counts.push((name.into(), count));
    }

    /// As it is printed.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string can't fail.
        for (name, count) in &self.counts {
            let _ = writeln!(text, "  {count:>9}  {name}");
        }
        for violation in self.violations.iter().take(SHOWN) {
            let run = violation.run.as_deref().unwrap_or("-");
            let what: String = violation.what.chars().take(600).collect();
            let _ = writeln!(text, "VIOLATION  {}\n    run {run}: {what}", violation.rule);
        }
        let more = self.violations.len().saturating_sub(SHOWN);
        if more > 0 {
            let _ = writeln!(text, "and {more} more violations");
        }
        text
    }

    /// Writes the violations and the counts into a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let mut lines = String::new();
        for violation in &self.violations {
            lines.push_str(&serde_json::to_string(violation).context("no JSON")?);
            lines.push('\n');
        }
        let failed = || format!("can't write into {}", folder.display());
        std::fs::write(folder.join("violations.jsonl"), lines).with_context(failed)?;
        std::fs::write(folder.join("summary.txt"), self.text()).with_context(failed)
    }
}

/// Events of a type that no version knows, as clients were shown them.
pub(crate) fn strangers(views: &Views) -> u64 {
    let lines = views.seen.streams.iter().flat_map(|stream| &stream.lines);
    lines.filter(|line| line.data.contains(STRANGER)).count() as u64
}

fn count_events(views: &Views, kind: &str) -> u64 {
    let events = views.runs.values().flat_map(|run| &run.events);
    events.filter(|event| event.kind == kind).count() as u64
}

/// Operations by kind and outcome.
fn outcomes(seen: &Seen) -> BTreeMap<String, u64> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for operation in &seen.operations {
        let outcome = operation.outcome.status();
        let outcome = outcome.map_or_else(|| "lost".to_owned(), |status| status.to_string());
        let name = format!("{} {outcome}", operation.request.name());
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// A line about what has happened so far.
pub(crate) fn progress(seen: &Seen, done: &Done, busy: usize, seconds: u64) -> String {
    let lines: usize = seen.streams.iter().map(|stream| stream.lines.len()).sum();
    let made = seen
        .operations
        .iter()
        .filter(|operation| operation.request.name() == "create" && operation.outcome.is_success());
    let faults: u64 = done.counts.values().sum();
    format!(
        "{seconds:>4} s: {} faults over, {} operations, {} runs created, {busy} followed, {lines} events seen",
        faults,
        seen.operations.len(),
        made.count(),
    )
}
