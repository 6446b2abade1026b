//! Subcommands of Cargo: the one on the machine, else one that we build once.

use super::folder;
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use std::path::PathBuf;
use tokio::process::Command;

/// The executable of a subcommand such as `cargo-nextest`.
pub(crate) async fn find_or_install(interrupt: &Interrupt, name: &str) -> Result<PathBuf> {
    let found = PathBuf::from(name);
    if process::works(&found, &["--version"]).await {
        return Ok(found);
    }
    let root = folder()?;
    let installed = root.join("bin").join(name);
    if process::works(&installed, &["--version"]).await {
        return Ok(installed);
    }
    let _lock = super::lock()?;
    process::step(&format!("building {name}, once; this takes some minutes"));
    // What else is being compiled goes first; there are moments when it needs one processor alone.
    let mut install = Command::new("nice");
    // None of them computes much, and as their makers release them one alone takes minutes to build.
    install
        .args(["cargo", "install", "--locked", "--force", "--root"])
        .arg(&root)
        .arg(name)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256");
    process::run(interrupt, &mut install)
        .await
        .with_context(|| format!("can't install {name}"))?;
    Ok(installed)
}
