//! Developer tasks, run as `cargo xtask TASK`. Start with `cargo xtask help`.
//!
//! One file per task; `parts` knows where the programs that tests need come from, `process` how
//! to run them and end them again.
#![expect(
    clippy::print_stdout,
    reason = "a command-line tool for developers speaks on its output"
)]

mod accounts;
mod audit;
mod backup;
mod bench;
mod ci;
mod credits;
mod database;
mod fuzz;
mod limits;
mod migrate;
mod mock;
mod model;
mod nats;
mod orgs;
mod parts;
mod postgres;
mod process;
mod rights;
mod rotate_keys;
mod seed;
mod test;
mod tidy;
mod torture;
mod users;
mod workspace;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use process::Interrupt;
use std::io::{self, Write as _};
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
    /// Start an empty PostgreSQL, gone at its end
    Postgres(postgres::Arguments),
    /// Fetch and start a NATS server
    Nats(nats::Arguments),
    /// Bring a database to the current schema, or move one from SQLite to PostgreSQL
    Migrate(migrate::Arguments),
    /// Write a SQLite database to a file, also while a server uses it
    Backup(backup::Arguments),
    /// Show an organisation's credits, add some, or say whether it needs them
    Credits(credits::Arguments),
    /// Wrap data keys by the main master key, as a server's settings name it
    RotateKeys(rotate_keys::Arguments),
    /// Check that the audit log is as it was written
    Audit(audit::Arguments),
    /// Issue a token by which a person who has forgotten their password gets a new one
    Accounts(accounts::Arguments),
    /// Show what an organisation may keep, or say it
    Limits(limits::Arguments),
    /// Export an organisation, import one from another deployment, or delete one for good
    Orgs(orgs::Arguments),
    /// Delete a person for good
    Users(users::Arguments),
    /// Fill a database with a demo organisation and a month of finished runs
    Seed(seed::Arguments),
    /// Load the release server over HTTP and print a table and JSON
    Bench(bench::Arguments),
    /// The benchmark's load, in a process of its own
    #[command(hide = true)]
    BenchLoad(bench::load::Arguments),
    /// Fill a stopped server's database with rows like those of one run
    #[command(hide = true)]
    BenchFill(bench::fill::Arguments),
    /// Time the claims of a stopped server's due runs
    #[command(hide = true)]
    BenchClaim(bench::claim::Arguments),
    /// The benchmark's endpoint that stores nothing
    #[command(hide = true)]
    BenchBare(bench::bare::Arguments),
    /// The benchmark's server of tools, on its standard streams
    #[command(hide = true)]
    BenchMcp,
    /// Feed what reads requests and answers first with inputs nobody thought of
    Fuzz(fuzz::Arguments),
    /// Break nodes, databases and connections under load, and check every promise
    Torture(torture::Arguments),
    /// Check the rules on crates, files and migrations that the compiler can't see
    Tidy,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // What a task prints may be on its way to a file.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Tidy => tidy::run(),
        // The two halves of the benchmark choose runtimes of their own.
        Task::BenchLoad(arguments) => bench::load::run(arguments),
        Task::BenchBare(arguments) => bench::bare::run(&arguments),
        Task::BenchMcp => bench::mcp::run(),
        task => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("can't make a runtime")?
            .block_on(run_interruptibly(task)),
    }
}

/// Tasks that start programs. They end what they started when the developer interrupts them.
async fn run_interruptibly(task: Task) -> Result<()> {
    let interrupt = &Interrupt::install()?;
    match task {
        Task::Ci => ci::run(interrupt).await,
        Task::Test(arguments) => test::run(interrupt, &arguments).await,
        Task::Parts => test::serve_parts(interrupt).await,
        Task::Model(arguments) => model::run(interrupt, &arguments).await,
        Task::Postgres(arguments) => postgres::run(interrupt, &arguments).await,
        Task::Nats(arguments) => nats::run(interrupt, &arguments).await,
        Task::Migrate(arguments) => migrate::run(interrupt, &arguments).await,
        Task::Backup(arguments) => backup::run(&arguments),
        Task::Credits(arguments) => credits::run(&arguments).await,
        Task::RotateKeys(arguments) => rotate_keys::run(&arguments).await,
        Task::Accounts(arguments) => accounts::run(&arguments).await,
        Task::Audit(arguments) => audit::run(&arguments).await,
        Task::Limits(arguments) => limits::run(&arguments).await,
        Task::Orgs(arguments) => orgs::run(interrupt, &arguments).await,
        Task::Users(arguments) => users::run(interrupt, &arguments).await,
        Task::Seed(arguments) => seed::run(interrupt, &arguments).await,
        Task::Bench(arguments) => bench::run(interrupt, &arguments).await,
        Task::Fuzz(arguments) => fuzz::run(interrupt, &arguments).await,
        Task::Torture(arguments) => torture::run(interrupt, &arguments).await,
        Task::BenchFill(arguments) => bench::fill::run(arguments).await,
        Task::BenchClaim(arguments) => bench::claim::run(&arguments).await,
        Task::Tidy | Task::BenchLoad(_) | Task::BenchBare(_) | Task::BenchMcp => run(task),
    }
}
