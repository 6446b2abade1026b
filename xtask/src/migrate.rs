//! `cargo xtask migrate`: brings a database to the current schema with the server's own code.

use crate::database::DatabaseArguments;
use crate::process;
use anyhow::{Context, Result};
use runloom_domain::SystemClock;
use std::sync::Arc;

pub(crate) async fn run(arguments: &DatabaseArguments) -> Result<()> {
    let chosen = arguments.choose();
    let database = chosen.open(Arc::new(SystemClock)).await?;
    for migration in database.migrated() {
        process::step(&format!("ran the migration {migration}"));
    }
    database
        .ping()
        .await
        .context("the database is not usable after its migration")?;
    database.close().await.context("can't close the database")?;
    process::step(&format!("{} has the current schema", chosen.name()));
    Ok(())
}
