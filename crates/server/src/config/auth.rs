use anyhow::Result;
use runloom_accounts::{AccountsConfig, Registration};
use serde::Deserialize;

use super::{Environment, Mode};

/// `[auth]`: how people come in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// `RUNLOOM_REGISTRATION`: who may register: `open`, everybody, the default in development
    /// mode; `invitation`, who has been invited, the default in production; `closed`, nobody.
    pub registration: Option<Registration>,
}

impl Auth {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        if let Some(registration) = environment.parsed("RUNLOOM_REGISTRATION")? {
            self.registration = Some(registration);
        }
        Ok(())
    }

    /// The same as accounts take it.
    pub fn to_config(&self, mode: Mode) -> AccountsConfig {
        let default = match mode {
            Mode::Development => Registration::Open,
            Mode::Production => Registration::Invitation,
        };
        AccountsConfig {
            registration: self.registration.unwrap_or(default),
            ..AccountsConfig::default()
        }
    }
}
