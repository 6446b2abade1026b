//! The programs that tests and benchmarks talk to: found on the machine, or fetched by package
//! name into one folder and kept there.

pub(crate) mod apt;
pub(crate) mod cargo_tool;
pub(crate) mod chromium;
pub(crate) mod faketime;
pub(crate) mod mcp;
pub(crate) mod model;
pub(crate) mod nats;
pub(crate) mod node;
pub(crate) mod port;
pub(crate) mod postgres;
pub(crate) mod promtool;
pub(crate) mod python;
pub(crate) mod strace;

use crate::workspace;
use anyhow::{Context, Result};
use std::fs::File;
use std::path::PathBuf;

/// Where fetched parts are kept: `RUNLOOM_PARTS`, or `.parts` in the repository.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = match std::env::var_os("RUNLOOM_PARTS") {
        Some(folder) => std::path::absolute(folder).context("RUNLOOM_PARTS is no path")?,
        None => workspace::root().join(".parts"),
    };
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("can't make the folder {}", folder.display()))?;
    Ok(folder)
}

/// Files that say which parts are wanted.
pub(crate) fn wanted() -> PathBuf {
    workspace::root().join("xtask/parts")
}

/// Holds the folder of parts for one task, so that two of them don't install the same thing at
/// once. Dropping it lets the next one in.
pub(crate) fn lock() -> Result<File> {
    let path = folder()?.join("lock");
    let file = File::create(&path).with_context(|| format!("can't write {}", path.display()))?;
    file.lock()
        .with_context(|| format!("can't lock {}", path.display()))?;
    Ok(file)
}
