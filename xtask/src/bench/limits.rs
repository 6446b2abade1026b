//! Limits of this process.

use anyhow::{Context, Result};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Allows as many open files as the system lets us have; children inherit it.
pub(crate) fn raise_open_files() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("can't raise the limit of open files")
}
