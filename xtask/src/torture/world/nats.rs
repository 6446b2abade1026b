//! NATS, which can be killed and stopped.

use crate::parts::nats::{self, Nats};
use crate::parts::port;
use crate::process::Interrupt;
use anyhow::Result;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What carries hints between the nodes.
pub(crate) struct NatsPart {
    running: Nats,
    folder: PathBuf,
    paused: bool,
    dead: bool,
}

impl NatsPart {
    pub(super) async fn start(interrupt: &Interrupt, folder: &Path) -> Result<Self> {
        Ok(Self {
            running: nats::start(interrupt, port::free()?, folder).await?,
            folder: folder.to_owned(),
            paused: false,
            dead: false,
        })
    }

    pub(super) const fn port(&self) -> u16 {
        self.running.port
    }

    pub(crate) fn kill(&mut self) {
        self.running.server.signal(Signal::KILL);
        self.running.server.reap(Duration::from_secs(5));
        self.dead = true;
    }

    pub(crate) fn pause(&mut self) {
        self.running.server.signal(Signal::STOP);
        self.paused = true;
    }

    /// Lets it go on, or starts it again.
    pub(crate) async fn revive(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.go_on();
        if self.dead {
            let port = self.running.port;
            self.running = nats::start(interrupt, port, &self.folder).await?;
            self.dead = false;
        }
        Ok(())
    }

    fn go_on(&mut self) {
        if self.paused {
            self.running.server.signal(Signal::CONT);
            self.paused = false;
        }
    }
}

impl Drop for NatsPart {
    fn drop(&mut self) {
        self.go_on();
    }
}
