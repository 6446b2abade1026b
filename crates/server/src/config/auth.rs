use std::time::Duration;

use anyhow::Result;
use runloom_accounts::{AccountsConfig, Registration};
use serde::Deserialize;

use super::{Environment, Mode};

/// `[auth]`: how people come in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// `RUNLOOM_REGISTRATION`: who may register: `open`, everybody, the default in development
    /// mode; `invitation`, who has been invited, the default in production; `closed`, nobody.
    pub registration: Option<Registration>,
    /// `RUNLOOM_SESSION_DAYS`: for how many days a session goes on at most; 0 is for ever.
    pub session_days: u32,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            registration: None,
            session_days: 90,
        }
    }
}

impl Auth {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        if let Some(registration) = environment.parsed("RUNLOOM_REGISTRATION")? {
            self.registration = Some(registration);
        }
        environment.replace("RUNLOOM_SESSION_DAYS", &mut self.session_days)
    }

    /// The same as accounts take it.
    pub fn to_config(&self, mode: Mode) -> AccountsConfig {
        let default = match mode {
            Mode::Development => Registration::Open,
            Mode::Production => Registration::Invitation,
        };
        let days = u64::from(self.session_days);
        AccountsConfig {
            session_lifetime: (days > 0).then(|| Duration::from_hours(days * 24)),
            registration: self.registration.unwrap_or(default),
            ..AccountsConfig::default()
        }
    }
}
