//! A real browser: the one on the machine, else Debian's.

use super::apt;
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use std::env;
use std::path::PathBuf;

/// What distributions call it.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// The browser's executable.
pub(crate) async fn executable(interrupt: &Interrupt) -> Result<PathBuf> {
    if let Some(found) = find().await {
        return Ok(found);
    }
    let install = async {
        let _lock = super::lock()?;
        apt::install(interrupt, &["chromium"]).await
    };
    install
        .await
        .context("tests need Chromium; set RUNLOOM_TEST_CHROMIUM to its executable")?;
    find()
        .await
        .context("Chromium was installed but doesn't run")
}

async fn find() -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    for name in NAMES {
        for folder in env::split_paths(&folders) {
            let program = folder.join(name);
            if program.exists() && process::works(&program, &["--version"]).await {
                return Some(program);
            }
        }
    }
    None
}
