//! Python packages, each list in an environment of its own.

use super::{apt, folder, wanted};
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The environment that has exactly what `xtask/parts/NAME/requirements.txt` lists, checked by
/// hash. It is made again when the list has changed or its Python is gone.
pub(crate) async fn environment(interrupt: &Interrupt, name: &str) -> Result<PathBuf> {
    let requirements = wanted().join(name).join("requirements.txt");
    let list = std::fs::read_to_string(&requirements)
        .with_context(|| format!("can't read {}", requirements.display()))?;
    let path = folder()?.join(format!("python-{name}"));
    let stamp = path.join("installed.txt");
    let _lock = super::lock()?;
    if is_current(&path, &stamp, &list).await {
        return Ok(path);
    }
    process::step(&format!("fetching the Python packages of `{name}`"));
    create(interrupt, &path).await?;
    let mut install = Command::new(path.join("bin/python"));
    install
        .args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--only-binary", ":all:"])
        // The lists are complete; what packages name beyond them isn't used by what we run.
        .args(["--no-deps", "--require-hashes", "-r"])
        .arg(&requirements);
    process::run(interrupt, &mut install)
        .await
        .with_context(|| format!("can't install {}", requirements.display()))?;
    std::fs::write(&stamp, &list).with_context(|| format!("can't write {}", stamp.display()))?;
    Ok(path)
}

async fn is_current(path: &Path, stamp: &Path, list: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|installed| installed == list)
        && process::works(path.join("bin/python"), &["--version"]).await
}

/// Makes an empty environment, installing what Debian splits off if need be.
async fn create(interrupt: &Interrupt, path: &Path) -> Result<()> {
    let venv = || {
        let mut command = Command::new("python3");
        command.args(["-m", "venv", "--clear"]).arg(path);
        command
    };
    if process::output(&mut venv()).await.is_ok() {
        return Ok(());
    }
    apt::install(interrupt, &["python3", "python3-venv"])
        .await
        .context("tests need python3 with its venv module")?;
    process::run(interrupt, &mut venv()).await
}

/// The folder of a package inside an environment.
pub(crate) fn package(environment: &Path, package: &str) -> Result<PathBuf> {
    let library = environment.join("lib");
    std::fs::read_dir(&library)
        .with_context(|| format!("can't read {}", library.display()))?
        .filter_map(Result::ok)
        .map(|python| python.path().join("site-packages").join(package))
        .find(|path| path.is_dir())
        .with_context(|| format!("{} has no package {package}", environment.display()))
}
