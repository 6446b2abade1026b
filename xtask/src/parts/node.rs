//! Packages from npm, each list in a folder of its own.

use super::{apt, folder, wanted};
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use std::path::PathBuf;
use tokio::process::Command;

/// The folder of the installed packages, which is what `xtask/parts/NAME` lists.
pub(crate) async fn packages(interrupt: &Interrupt, name: &str) -> Result<PathBuf> {
    if !process::works("node", &["--version"]).await || !process::works("npm", &["--version"]).await
    {
        apt::install(interrupt, &["nodejs", "npm"])
            .await
            .context("tests need Node with npm")?;
    }
    let path = folder()?.join(name);
    let packages = path.join("node_modules");
    let wanted = wanted().join(name);
    let wanted_lock = wanted.join("package-lock.json");
    let list = std::fs::read_to_string(&wanted_lock)
        .with_context(|| format!("can't read {}", wanted_lock.display()))?;
    let stamp = path.join("installed.json");
    let _lock = super::lock()?;
    if packages.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == list)
    {
        return Ok(packages);
    }
    process::step(&format!("fetching the Node packages of `{name}`"));
    std::fs::create_dir_all(&path).with_context(|| format!("can't make {}", path.display()))?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(wanted.join(file), path.join(file))
            .with_context(|| format!("can't copy {file}"))?;
    }
    let mut install = Command::new("npm");
    install
        .current_dir(&path)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--loglevel", "error"]);
    process::run(interrupt, &mut install)
        .await
        .context("can't install the Node packages")?;
    std::fs::write(&stamp, &list).with_context(|| format!("can't write {}", stamp.display()))?;
    Ok(packages)
}
