//! `cargo xtask users`: what whoever runs the server does with people.

use crate::database::DatabaseArguments;
use crate::process::Interrupt;
use crate::rights::{self, Report};
use anyhow::Result;
use clap::{Args, Subcommand};
use runloom_domain::SystemClock;
use std::sync::Arc;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Delete somebody for good, with the organisations that are theirs alone; without --yes only
    /// say what would go
    Delete(Delete),
}

#[derive(Args)]
struct Delete {
    /// Their login, e-mail address or id
    login: String,
    /// Really delete
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let What::Delete(delete) = &arguments.what;
    let place = delete.database.choose()?.place();
    let mut report = Report::new("deleted");
    let mut tell = |progress| report.tell(progress);
    let clock = Arc::new(SystemClock);
    let deleting =
        runloom_store_sql::delete_user(&place, &delete.login, delete.yes, clock, &mut tell);
    let deleted = rights::unless(interrupt, deleting).await?;
    rights::print(&deleted, delete.yes);
    Ok(())
}
