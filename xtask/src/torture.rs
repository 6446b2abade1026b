//! `cargo xtask torture`: real nodes on a real PostgreSQL and NATS, clients that write down all
//! they see, and faults from a seed; then a checker that compares what the clients saw, what
//! happened outside, and what the database holds.

mod check;
mod client;
mod crowd;
mod effects;
mod nemesis;
mod power;
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
use schedule::shrink::Shrinking;
use schedule::{Action, Header, Schedule, generate};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use world::{Binaries, Plan};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What the schedule and the clients' choices are made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long faults are made
    #[arg(long, default_value_t = 2)]
    minutes: u64,
    #[arg(long, value_enum, default_value = "safety")]
    profile: Profile,
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
    binary: Option<PathBuf>,
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
    if let Some(path) = &arguments.shrink {
        return shrink(
            interrupt,
            &Schedule::read(path)?,
            &binaries,
            arguments.tries,
        )
        .await;
    }
    let schedule = schedule(arguments)?;
    let report = torture(interrupt, &schedule, &binaries, &folder(&schedule)?).await?;
    conclude(&schedule, &report)
}

/// What CI has time for, on the server that the tests have just been run on.
pub(crate) async fn run_briefly(interrupt: &Interrupt) -> Result<()> {
    let arguments = Arguments {
        seed: 1,
        minutes: 2,
        profile: Profile::Safety,
        nodes: 3,
        planted_bug: None,
        replay: None,
        shrink: None,
        tries: 0,
        binary: Some(test::server()?),
        old_binary: None,
    };
    run(interrupt, &arguments).await
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
        actions: match profile {
            // A power cut comes when it comes; nothing else is broken.
            Profile::Power => Vec::new(),
            _ => generate(seed, nodes, minutes * 60_000, profile),
        },
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
    let report = match schedule.header.profile {
        Profile::Power => power::run(interrupt, &plan, &schedule.header).await?,
        _ => session::run(interrupt, &plan, schedule).await?,
    };
    println!("{}", report.text());
    Ok(report)
}

/// Looks for a smaller schedule that breaks one of the promises that the whole one breaks.
async fn shrink(
    interrupt: &Interrupt,
    schedule: &Schedule,
    binaries: &Binaries,
    tries: usize,
) -> Result<()> {
    let folder = folder(schedule)?;
    let whole = torture(interrupt, schedule, binaries, &folder).await?;
    let rules: BTreeSet<&str> = whole.violations.iter().map(|it| it.rule).collect();
    ensure!(!rules.is_empty(), "the whole schedule brings no violation");
    let mut shrinking = Shrinking::new(schedule.actions.clone());
    for number in 1..=tries {
        let Some(actions) = shrinking.candidate() else {
            break;
        };
        let candidate = Schedule {
            header: schedule.header.clone(),
            actions,
        };
        process::step(&format!(
            "try {number}: {} actions",
            candidate.actions.len()
        ));
        let folder = folder.join(format!("try-{number}"));
        std::fs::create_dir_all(&folder).context("can't make a folder")?;
        let report = torture(interrupt, &candidate, binaries, &folder).await?;
        shrinking.tried(report.violations.iter().any(|it| rules.contains(it.rule)));
    }
    let shrunk = Schedule {
        header: schedule.header.clone(),
        actions: shrinking.kept().to_vec(),
    };
    let path = folder.join("shrunk.jsonl");
    shrunk.write(&path)?;
    let (from, to) = (schedule.actions.len(), shrunk.actions.len());
    process::step(&format!("from {from} to {to} actions: {}", path.display()));
    Ok(())
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
