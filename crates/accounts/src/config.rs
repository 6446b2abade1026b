use std::time::Duration;

use crate::Registration;

/// What an installation decides about its accounts.
#[derive(Clone, Debug)]
pub struct AccountsConfig {
    /// The `iss` of tokens. Tokens of another issuer are refused, even with the same keys.
    pub issuer: String,
    /// How long an access token works: 15 minutes by default.
    pub access_token_lifetime: Duration,
    /// How long a session goes on at most, however often its refresh token is used; `None` is for
    /// ever. 90 days by default: what a copied token is worth ends, even when nobody notices.
    pub session_lifetime: Option<Duration>,
    /// Who may register: anybody by default.
    pub registration: Registration,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            issuer: "runloom".to_owned(),
            access_token_lifetime: Duration::from_mins(15),
            session_lifetime: Some(Duration::from_hours(90 * 24)),
            registration: Registration::default(),
        }
    }
}
