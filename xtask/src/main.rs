//! Developer tasks, run as `cargo xtask TASK`. Start with `cargo xtask help`.
//!
//! One file per task; `parts` knows where the programs that tests need come from, `process` how
//! to run them and end them again.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool for developers speaks on its output"
)]

mod ci;
mod model;
mod parts;
mod process;
mod test;
mod tidy;
mod workspace;

use clap::{Parser, Subcommand};
use process::Interrupt;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of Runloom")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run all that CI runs: format, tidy, dependencies, clippy, documentation, tests
    Ci,
    /// Install or find what the tests need, then run them
    Test(test::Arguments),
    /// Start what the tests need and keep it until Ctrl-C, for running tests by hand
    Parts,
    /// Fetch and start a small real language model
    Model(model::Arguments),
    /// Check the rules on crates, files and migrations that the compiler can't see
    Tidy,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    match run(Cli::parse().task).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(task: Task) -> anyhow::Result<()> {
    let interrupt = &Interrupt::install()?;
    match task {
        Task::Ci => ci::run(interrupt).await,
        Task::Test(arguments) => test::run(interrupt, &arguments).await,
        Task::Parts => test::serve_parts(interrupt).await,
        Task::Model(arguments) => model::run(interrupt, &arguments).await,
        Task::Tidy => tidy::run(),
    }
}
