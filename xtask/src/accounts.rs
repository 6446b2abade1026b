//! `cargo xtask accounts`: what whoever runs the server does for people.

use crate::database::DatabaseArguments;
use crate::process;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use runloom_accounts::operator_reset;
use runloom_domain::{Clock, SystemClock};
use std::sync::Arc;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print a token by which a person chooses a new password, once and within an hour, by POST
    /// /v1/auth/reset
    Reset(Reset),
}

#[derive(Args)]
struct Reset {
    /// The person's login or e-mail address
    login: String,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let What::Reset(reset) = &arguments.what;
    let clock = Arc::new(SystemClock);
    let database = reset.database.choose()?.open(clock.clone()).await?;
    let issued = operator_reset(&*database, &reset.login, clock.now()).await;
    database.close().await.context("can't close the database")?;
    let login = &reset.login;
    let issued = issued?.with_context(|| format!("nobody is called {login}"))?;
    process::step(&format!(
        "{login} chooses a new password with this token until {}; it is not shown again:",
        issued.expires_at
    ));
    println!("{}", issued.token.expose());
    Ok(())
}
