//! `cargo xtask nats`: a NATS server in the foreground, to point the server at.

use crate::parts;
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use clap::Args;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Port of 127.0.0.1 to listen on
    #[arg(long, default_value_t = 4222)]
    port: u16,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("runloom-nats-")
        .tempdir()
        .context("can't make a temporary folder")?;
    let mut nats = parts::nats::start(interrupt, arguments.port, folder.path()).await?;
    process::step("NATS is up; Ctrl-C ends it. To point servers at it:");
    println!("export RUNLOOM_NATS_URL={}", nats.url);
    tokio::select! {
        () = interrupt.wait() => Ok(()),
        result = nats.server.ended() => result,
    }
}
