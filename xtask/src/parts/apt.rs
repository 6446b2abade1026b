//! Debian's packages, for machines that have them and let us install.

use crate::process::{self, Interrupt};
use anyhow::{Result, bail};
use tokio::process::Command;

/// Installs packages by name. An error when this isn't Debian or we aren't root.
pub(crate) async fn install(interrupt: &Interrupt, packages: &[&str]) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("only root can install {}", packages.join(" "));
    }
    if !process::works("apt-get", &["--version"]).await {
        bail!("there is no apt-get to install {}", packages.join(" "));
    }
    process::step(&format!("apt-get install {}", packages.join(" ")));
    process::run(interrupt, apt_get().args(["-qq", "update"])).await?;
    let install = ["-qq", "-y", "--no-install-recommends", "install"];
    process::run(interrupt, apt_get().args(install).args(packages)).await
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(std::process::Stdio::null());
    command
}
