use std::time::Duration;

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
    /// `RUNLOOM_SESSION_DAYS`: for how many days a session goes on at most; 0 is for ever.
    pub session_days: Option<u32>,
}

impl Auth {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        if let Some(registration) = environment.parsed("RUNLOOM_REGISTRATION")? {
            self.registration = Some(registration);
        }
        if let Some(days) = environment.parsed("RUNLOOM_SESSION_DAYS")? {
            self.session_days = Some(days);
        }
        Ok(())
    }

    /// The same as accounts take it.
    pub fn to_config(&self, mode: Mode) -> AccountsConfig {
        let default = match mode {
            Mode::Development => Registration::Open,
            Mode::Production => Registration::Invitation,
        };
        let usual = AccountsConfig::default();
        let lifetime = self.session_days.map(|days| {
            let hours = u64::from(days) * 24;
            (hours > 0).then(|| Duration::from_hours(hours))
        });
        AccountsConfig {
            session_lifetime: lifetime.unwrap_or(usual.session_lifetime),
            registration: self.registration.unwrap_or(default),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(variable: Option<&str>) -> Option<Duration> {
        let pairs = variable.map(|days| ("RUNLOOM_SESSION_DAYS".to_owned(), days.to_owned()));
        let mut auth = Auth::default();
        auth.overlay(&mut pairs.into_iter().collect()).unwrap();
        auth.to_config(Mode::Production).session_lifetime
    }

    #[test]
    fn sessions_go_on_for_as_long_as_is_said() {
        let days = |days: u64| Some(Duration::from_hours(24 * days));
        assert_eq!(lifetime(None), days(90));
        assert_eq!(lifetime(Some("7")), days(7));
        assert_eq!(lifetime(Some("0")), None);
    }
}
