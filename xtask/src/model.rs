//! `cargo xtask model`: a small real model in the foreground, to point the server at.

use crate::parts;
use crate::process::{self, Interrupt};
use anyhow::{Context, Result};
use clap::Args;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Port of 127.0.0.1 to listen on
    #[arg(long, default_value_t = 8090)]
    port: u16,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("runloom-model-")
        .tempdir()
        .context("can't make a temporary folder")?;
    let mut model = parts::model::start(interrupt, arguments.port, folder.path()).await?;
    process::step("the model is up; Ctrl-C ends it. To point the server at it:");
    println!("export RUNLOOM_MODEL_URL={}", model.url);
    println!("export RUNLOOM_MODEL={}", parts::model::ALIAS);
    println!("export RUNLOOM_MODEL_KEY=none");
    tokio::select! {
        () = interrupt.wait() => Ok(()),
        result = model.server.ended() => result,
    }
}
