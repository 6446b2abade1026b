//! libfaketime, which gives a program a clock that is wrong.

use super::apt;
use crate::process::Interrupt;
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// The library to be loaded into a program, installed if need be.
pub(crate) async fn library(interrupt: &Interrupt) -> Result<PathBuf> {
    if let Some(found) = installed() {
        return Ok(found);
    }
    let missing = "clocks can't be skewed without libfaketime; install it";
    apt::install(interrupt, &["libfaketime"])
        .await
        .context(missing)?;
    installed().context(missing)
}

fn installed() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let library = |folder: std::fs::DirEntry| folder.path().join("faketime/libfaketime.so.1");
    folders.map(library).find(|library| library.exists())
}
