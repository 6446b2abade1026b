//! `cargo xtask bench`: loads the release server over HTTP from a separate process and prints a
//! table and JSON. Each row has a fresh server on a fresh store.

pub(crate) mod bare;
mod big;
pub(crate) mod child;
pub(crate) mod claim;
mod compared;
mod curve;
pub(crate) mod disk;
pub(crate) mod fill;
pub(crate) mod limits;
pub(crate) mod load;
pub(crate) mod mcp;
mod measure;
mod nodes;
mod overhead;
mod pattern;
mod report;
pub(crate) mod row;
mod server;
mod targets;
pub(crate) mod tool_calls;
mod usage;
mod used;
mod waiting;
mod wall;

use crate::parts::postgres;
use crate::process::{self, Interrupt};
use crate::workspace;
use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use row::Row;
use server::Store;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the server keeps its data
    #[arg(long, value_enum, default_value = "sqlite")]
    store: StoreName,
    /// Only the rows with these names or beginnings of names, by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How long each row with a clock is measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Where the JSON goes instead of target/bench/STORE.json
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StoreName {
    Sqlite,
    Postgres,
}

impl StoreName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let many = matches!(arguments.store, StoreName::Postgres);
    let rows = row::select(&arguments.only, many)?;
    limits::raise_open_files()?;
    let target = workspace::target_folder()?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    build(interrupt, &rows).await?;
    let store = match arguments.store {
        StoreName::Sqlite => Store::Sqlite,
        StoreName::Postgres => Store::Postgres {
            binaries: postgres::binaries(interrupt).await?,
        },
    };
    let bench = measure::Bench {
        interrupt,
        binaries: target.join("release"),
        folder: folder.clone(),
        store,
        seconds: arguments.seconds,
    };

    let mut report = report::Report::new(
        arguments.store.as_str(),
        busy_cores().await?,
        disk::fdatasync(&folder)?,
    );
    for row in rows {
        interrupt.check()?;
        process::step(&format!("measuring {}", row.name()));
        match bench.measure(&row).await {
            Ok(measured) => report.rows.push(measured),
            Err(error) => {
                interrupt.check()?;
                report.failures.push(format!("{}: {error:#}", row.name()));
                println!("{} failed: {error:#}", row.name());
            }
        }
    }
    report.targets = targets::check(&report);
    println!("{}", report.table());
    let json = arguments
        .json
        .clone()
        .unwrap_or_else(|| folder.join(format!("{}.json", arguments.store.as_str())));
    let text = serde_json::to_string_pretty(&report).context("can't write the report")?;
    std::fs::write(&json, text).with_context(|| format!("can't write {}", json.display()))?;
    println!("JSON: {}", json.display());
    ensure!(
        report.failures.is_empty(),
        "rows failed: {}",
        report.failures.join("; ")
    );
    Ok(())
}

/// How many cores others keep busy.
async fn busy_cores() -> Result<f64> {
    let second = Duration::from_secs(1);
    let before = usage::processor_of_machine()?;
    tokio::time::sleep(second).await;
    let busy = usage::processor_of_machine()?.saturating_sub(before);
    Ok(busy.as_secs_f64())
}

/// Builds the server as users get it, and the load, which must not cost more than it has to.
async fn build(interrupt: &Interrupt, rows: &[Row]) -> Result<()> {
    process::step("building for release");
    let mut cargo = workspace::cargo("cargo", &["build", "--release", "--locked", "-p", "xtask"]);
    if rows.iter().any(|row| !row.is_bare()) {
        cargo.args(["-p", "runloom-server"]);
    }
    if rows.iter().any(Row::has_test_tools) {
        cargo.args(["--features", "runloom-server/testing"]);
    }
    process::run(interrupt, &mut cargo).await
}
