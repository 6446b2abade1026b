//! promtool, Prometheus's own check of what we show it.

use super::apt;
use crate::process::{self, Interrupt};
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// The program, installed if need be. Debian has it in Prometheus's package, whose server the
/// tests leave alone.
pub(crate) async fn executable(interrupt: &Interrupt) -> Result<PathBuf> {
    let program = PathBuf::from("promtool");
    if !process::works(&program, &["--version"]).await {
        apt::install(interrupt, &["prometheus"])
            .await
            .context("tests need promtool; install it or set RUNLOOM_TEST_PROMTOOL")?;
    }
    Ok(program)
}
