//! `cargo xtask torture`: real nodes on a real PostgreSQL and NATS, clients that write down all
//! they see, and faults from a seed; then a checker that compares what the clients saw, what
//! happened outside, and what the database holds.

mod check;
mod client;
mod effects;
mod nemesis;
mod profile;
mod provider;
mod proxy;
mod random;
mod report;
mod schedule;
mod seen;
mod session;
mod truth;
mod views;
mod world;

use crate::bench::limits;
use crate::parts::faketime;
use crate::process::{self, Interrupt};
use crate::{test, workspace};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use profile::Profile;
use report::Report;
use schedule::{Action, Header, Schedule, generate};
use std::path::{Path, PathBuf};
use world::{Binaries, Plan};

#[derive(Args, Clone)]
pub(crate) struct Arguments {
    /// What the schedule and the clients' choices are made from
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long faults are made
    #[arg(long, default_value_t = 2)]
    pub(crate) minutes: u64,
    #[arg(long, value_enum, default_value = "safety")]
    pub(crate) profile: Profile,
    /// How many servers
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Takes a protection away from the servers; the task then succeeds only if that is noticed
    #[arg(long)]
    planted_bug: Option<String>,
    /// Carries out the schedule in this file instead of making one
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Looks for fewer actions of this schedule that still bring a violation
    #[arg(long, conflicts_with = "replay")]
    shrink: Option<PathBuf>,
    /// The most schedules that are tried to shrink one
    #[arg(long, default_value_t = 12)]
    tries: usize,
    /// The server, built with the feature `failpoints`; it is built when this is absent
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// Another version of the server, which each node is every other time
    #[arg(long)]
    old_binary: Option<PathBuf>,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    limits::raise_open_files()?;
    // The HTTP client wants to be told, although nothing here is encrypted. It is an error only
    // where it has been told before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let binary = match &arguments.binary {
        Some(binary) => absolute(binary)?,
        None => test::build_server(interrupt).await?,
    };
    let old = arguments.old_binary.as_deref().map(absolute);
    let binaries = Binaries {
        old: old.unwrap_or_else(|| Ok(binary.clone()))?,
        new: binary,
    };
    let schedule = schedule(arguments)?;
    let report = torture(interrupt, &schedule, &binaries, &folder(&schedule)?).await?;
    conclude(&schedule, &report)
}

/// Nodes run in folders of their own.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).with_context(|| format!("there is no {}", path.display()))
}

fn schedule(arguments: &Arguments) -> Result<Schedule> {
    if let Some(path) = &arguments.replay {
        return Schedule::read(path);
    }
    let &Arguments {
        seed,
        minutes,
        profile,
        nodes,
        ..
    } = arguments;
    ensure!(nodes > 0, "there must be a node");
    Ok(Schedule {
        header: Header {
            seed,
            minutes,
            profile,
            nodes,
            planted_bug: arguments.planted_bug.clone(),
        },
        actions: generate(seed, nodes, minutes * 60_000, profile),
    })
}

/// Where the artefacts go, emptied.
fn folder(schedule: &Schedule) -> Result<PathBuf> {
    let Header { seed, profile, .. } = schedule.header;
    let bug = schedule.header.planted_bug.iter();
    let bug: String = bug.flat_map(|name| ["-", name.as_str()]).collect();
    let name = format!("{seed}-{}{bug}", profile.name());
    let folder = workspace::target_folder()?.join("torture").join(name);
    let failed = || format!("can't empty {}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(failed)?;
    }
    std::fs::create_dir_all(&folder).with_context(failed)?;
    Ok(folder)
}

async fn torture(
    interrupt: &Interrupt,
    schedule: &Schedule,
    binaries: &Binaries,
    folder: &Path,
) -> Result<Report> {
    process::step(&format!("artefacts in {}", folder.display()));
    schedule.write(&folder.join("schedule.jsonl"))?;
    let skews = |action: &Action| matches!(action, Action::Skew { .. });
    let faketime = if schedule.actions.iter().any(|it| skews(&it.action)) {
        Some(faketime::library(interrupt).await?)
    } else {
        None
    };
    let plan = Plan {
        nodes: schedule.header.nodes,
        binaries: binaries.clone(),
        planted_bug: schedule.header.planted_bug.as_deref(),
        faketime,
        folder,
    };
    let report = session::run(interrupt, &plan, schedule).await?;
    println!("{}", report.text());
    Ok(report)
}

/// Whether it went as it should: without a violation, or with one if a bug was planted.
fn conclude(schedule: &Schedule, report: &Report) -> Result<()> {
    match (&schedule.header.planted_bug, report.violations.len()) {
        (None, 0) => {
            process::step("no violation");
            Ok(())
        }
        (None, count) => bail!("{count} violations"),
        (Some(bug), 0) => bail!("the planted bug {bug} was not noticed"),
        (Some(bug), count) => {
            process::step(&format!("{bug} was noticed: {count} violations"));
            Ok(())
        }
    }
}
