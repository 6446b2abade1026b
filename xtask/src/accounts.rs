//! `cargo xtask accounts`: what whoever runs the server does for people.

use crate::database::DatabaseArguments;
use crate::process;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use runloom_accounts::operator_reset;
use runloom_domain::{Clock, SystemClock};
use runloom_store_sql::Database;

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
    let login = &reset.login;
    let issue = async |store: &dyn Database| {
        let issued = operator_reset(store, login, SystemClock.now()).await?;
        issued.with_context(|| format!("nobody is called {login}"))
    };
    let issued = reset.database.with(issue).await?;
    process::step(&format!(
        "{login} chooses a new password with this token until {}; it is not shown again:",
        issued.expires_at
    ));
    println!("{}", issued.token.expose());
    Ok(())
}
