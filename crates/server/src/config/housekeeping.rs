use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::Environment;

/// A century; more than any rule asks for.
const MOST_DAYS: u32 = 36_500;

/// `[housekeeping]`: what is done now and then.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Housekeeping {
    /// `RUNLOOM_EVENT_RETENTION_DAYS`: for how many days a run's events are kept after its end;
    /// 0, the default, is for ever.
    pub event_retention_days: u32,
    /// `RUNLOOM_HOUSEKEEPING_SECONDS`: from one time to the next. Default 3,600.
    pub every_seconds: u32,
}

impl Default for Housekeeping {
    fn default() -> Self {
        Self {
            event_retention_days: 0,
            every_seconds: 3_600,
        }
    }
}

impl Housekeeping {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace(
            "RUNLOOM_EVENT_RETENTION_DAYS",
            &mut self.event_retention_days,
        )?;
        environment.replace("RUNLOOM_HOUSEKEEPING_SECONDS", &mut self.every_seconds)
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.event_retention_days <= MOST_DAYS,
            "RUNLOOM_EVENT_RETENTION_DAYS (housekeeping.event_retention_days) is more than \
             {MOST_DAYS}; 0 keeps events for ever"
        );
        ensure!(
            self.every_seconds > 0,
            "RUNLOOM_HOUSEKEEPING_SECONDS (housekeeping.every_seconds) is 0"
        );
        Ok(())
    }

    /// From one time to the next.
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.every_seconds.into())
    }
}
