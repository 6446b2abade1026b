//! `cargo xtask backup`: a SQLite database in one file, also while a server uses it.

use crate::database;
use crate::process;
use anyhow::{Context as _, Result};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder with the SQLite database; else RUNLOOM_DATA_DIR, else ./runloom-data
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The file to write, which must not exist
    #[arg(long)]
    to: PathBuf,
}

/// Ctrl-C ends it when it is done: what is there until then has another name.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = arguments.data_dir.clone();
    let folder = folder.unwrap_or_else(database::folder_of_environment);
    let bytes = runloom_store_sql::back_up_sqlite(&folder, &arguments.to)
        .with_context(|| format!("can't back up the database in {}", folder.display()))?;
    let to = arguments.to.display();
    process::step(&format!(
        "{to} has the database whole and checked, {bytes} bytes"
    ));
    Ok(())
}
