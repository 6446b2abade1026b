//! strace, which makes the flushes of a server fail.

use super::apt;
use crate::process::{self, Interrupt};
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// The program, installed if need be.
pub(crate) async fn executable(interrupt: &Interrupt) -> Result<PathBuf> {
    let program = PathBuf::from("strace");
    if !process::works(&program, &["-V"]).await {
        apt::install(interrupt, &["strace"])
            .await
            .context("tests need strace; install it or set RUNLOOM_TEST_STRACE")?;
    }
    Ok(program)
}
