//! Developer tasks, run as `cargo xtask TASK`. Start with `cargo xtask help`.
//!
//! One file per task; `parts` knows where the programs that tests need come from, `process` how
//! to run them and end them again.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool for developers speaks on its output"
)]

mod tidy;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of Runloom")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the rules on crates, files and migrations that the compiler can't see
    Tidy,
}

#[tokio::main(flavor = "current_thread")]
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
    match task {
        Task::Tidy => tidy::run(),
    }
}
