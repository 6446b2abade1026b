//! `cargo xtask rotate-keys`: wraps data keys by the main master key, and makes new ones.

use crate::database::Chosen;
use crate::process;
use anyhow::{Context, Result};
use clap::Args;
use runloom_accounts::{Rotated, Rotation};
use runloom_domain::SystemClock;
use runloom_server::Keys;
use runloom_server::config::Config;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct Arguments {
    /// Also give each organisation a new data key, and encrypt its secrets by it
    #[arg(long)]
    new_data_keys: bool,
}

/// The database and the keys are those that a server with the same settings would use.
pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let config = Config::load()?;
    let chosen = match &config.data.database_url {
        Some(url) => Chosen::Postgres(url.expose().to_owned()),
        None => Chosen::Sqlite(config.data.dir.clone()),
    };
    process::step(&format!("the keys in {}", chosen.name()));
    let clock = Arc::new(SystemClock);
    let database = chosen.open(clock.clone()).await?;
    let vault = Keys::of(&config)?.vault(database.clone(), clock);
    let rotation = Rotation::new(database.clone(), vault);
    let mut told_at = Instant::now();
    let rotated = rotation.run(arguments.new_data_keys, |so_far| {
        if told_at.elapsed() >= TELL_EVERY {
            told_at = Instant::now();
            process::step(&said(so_far));
        }
    });
    let rotated = rotated.await;
    database.close().await.context("can't close the database")?;
    process::step(&said(&rotated?));
    Ok(())
}

fn said(rotated: &Rotated) -> String {
    let Rotated {
        orgs,
        rewrapped,
        made,
        resealed,
    } = rotated;
    format!(
        "{orgs} organisations: {rewrapped} data keys wrapped anew, {made} made, {resealed} secrets encrypted anew"
    )
}
