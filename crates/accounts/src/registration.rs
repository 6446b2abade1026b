use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::{AccountError, Accounts};

/// Who may register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Anybody.
    #[default]
    Open,
    /// Whoever has been invited to an organisation.
    Invitation,
    /// Nobody.
    Closed,
}

impl Accounts {
    /// Lets somebody register, or fails with [`AccountError::RegistrationClosed`] or
    /// [`AccountError::InvitationNeeded`].
    pub(crate) fn admit_registration(&self, is_invited: bool) -> Result<(), AccountError> {
        match self.config.registration {
            Registration::Open => Ok(()),
            Registration::Invitation if is_invited => Ok(()),
            Registration::Invitation => Err(AccountError::InvitationNeeded),
            Registration::Closed => Err(AccountError::RegistrationClosed),
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Invitation => "invitation",
            Self::Closed => "closed",
        })
    }
}

impl FromStr for Registration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Open, Self::Invitation, Self::Closed]
            .into_iter()
            .find(|mode| mode.to_string() == text)
            .ok_or("none of open, invitation, closed")
    }
}
