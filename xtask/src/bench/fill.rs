//! `cargo xtask bench-fill`: many rows like those of one run, in a database that no server uses.

use crate::database::{Chosen, DatabaseArguments};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use runloom_domain::{OrgId, RunId, ThreadId};
use runloom_store_sql::testing::{Fill, Pattern, fill_postgres, fill_sqlite};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// The organisation of the run that others are made after
    #[arg(long)]
    org: OrgId,
    /// Its thread
    #[arg(long)]
    thread: ThreadId,
    /// Its id
    #[arg(long)]
    run: RunId,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Runs that have ended
    Finished { count: u32 },
    /// Runs that nobody works on yet
    Due { count: u32 },
    /// Messages of the run's thread
    Messages { count: u32 },
    /// The run's own events `first` to `last`, so many times more
    Repeat { first: u64, last: u64, times: u32 },
}

impl From<What> for Fill {
    fn from(what: What) -> Self {
        match what {
            What::Finished { count } => Self::Finished { count },
            What::Due { count } => Self::Due { count },
            What::Messages { count } => Self::Messages { count },
            What::Repeat { first, last, times } => Self::Repeat { first, last, times },
        }
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let pattern = Pattern {
        org_id: arguments.org,
        thread_id: arguments.thread,
        run_id: arguments.run,
    };
    let fill = arguments.what.into();
    match arguments.database.choose()? {
        Chosen::Sqlite(folder) => fill_sqlite(&folder, pattern, fill),
        Chosen::Postgres(url) => fill_postgres(&url, pattern, fill).await,
    }
    .context("can't fill the database")
}
