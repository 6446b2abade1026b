//! What the program `runloom` does: reads its configuration, sets up logs and signals, serves.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::config::Config;
use crate::{console, logs, serve, signals};

/// Serves LLM agent runs over HTTP.
///
/// All settings come from the environment (`RUNLOOM_…`) and from the TOML file that
/// `RUNLOOM_CONFIG` names (default `./runloom.toml`, if it exists).
#[derive(Parser)]
#[command(name = "runloom", version)]
struct Arguments {}

/// Runs the program to its end. A failure is one line on standard error.
pub fn main() -> ExitCode {
    Arguments::parse();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let config = Config::load()?;
    logs::install(&config)?;
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("runloom")
        .build()
        .context("can't start the runtime")?;
    let outcome = runtime.block_on(async {
        let stop = signals::install()?;
        serve(config, stop).await
    });
    // What is still running has had its time; nothing waits for it.
    runtime.shutdown_background();
    outcome
}
