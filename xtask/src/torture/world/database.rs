//! PostgreSQL, which can be killed and stopped.

use crate::parts::postgres::{Cluster, Durability};
use crate::process::Interrupt;
use anyhow::Result;
use rustix::process::Signal;
use std::path::Path;

/// The database of all nodes. Its commits wait for the disk, so that a kill is an honest one.
pub(crate) struct Database {
    cluster: Cluster,
    paused: bool,
    dead: bool,
}

impl Database {
    pub(super) async fn start(interrupt: &Interrupt, programs: &Path) -> Result<Self> {
        Ok(Self {
            cluster: Cluster::start(interrupt, programs, Durability::Full).await?,
            paused: false,
            dead: false,
        })
    }

    pub(super) const fn port(&self) -> u16 {
        self.cluster.port()
    }

    pub(super) fn url(&self) -> &str {
        &self.cluster.url
    }

    pub(crate) fn kill(&mut self) {
        self.cluster.kill();
        self.dead = true;
    }

    pub(crate) fn pause(&mut self) {
        self.cluster.signal_all(Signal::STOP);
        self.paused = true;
    }

    /// Lets it go on, or starts it again.
    pub(crate) async fn revive(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.go_on();
        if self.dead {
            self.cluster.restart(interrupt).await?;
            self.dead = false;
        }
        Ok(())
    }

    fn go_on(&mut self) {
        if self.paused {
            self.cluster.signal_all(Signal::CONT);
            self.paused = false;
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A process that is stopped hears of no end.
        self.go_on();
    }
}
