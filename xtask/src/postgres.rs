//! `cargo xtask postgres`: an empty PostgreSQL in the foreground, to point the server at.

use crate::parts::postgres::{self, Cluster, Durability};
use crate::process::{self, Interrupt};
use anyhow::Result;
use clap::Args;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Port of 127.0.0.1 to listen on
    #[arg(long, default_value_t = 5433)]
    port: u16,
}

pub(crate) async fn run(interrupt: &Interrupt, arguments: &Arguments) -> Result<()> {
    let binaries = postgres::binaries(interrupt).await?;
    let mut cluster =
        Cluster::start_at(interrupt, &binaries, Durability::Full, arguments.port).await?;
    process::step("PostgreSQL is up; Ctrl-C ends it, and what is in it. To point servers at it:");
    println!("export RUNLOOM_DATABASE_URL={}", cluster.url);
    tokio::select! {
        () = interrupt.wait() => Ok(()),
        result = cluster.server.ended() => result,
    }
}
