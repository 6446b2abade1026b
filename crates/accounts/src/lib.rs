//! Who is asking, and what they may do: registration, passwords, access tokens, API keys,
//! permissions; and the secrets that organisations keep here.
//!
//! The crate knows neither HTTP nor SQL: it works on the [`SessionStore`] port, takes its time
//! of day from a [`Clock`], and says what went wrong in one [`AccountError`].
//!
//! Start with [`Accounts`]. A request brings a bearer credential; [`Accounts::authenticate`]
//! turns it into a [`Caller`], whose [`rights`](Caller::rights) are never more than what the
//! role of the person behind it allows at this moment.
//!
//! A person signs in to a session, which goes on by refresh tokens until they sign out of it.
//!
//! Every node of a deployment reaches the same verdicts, since the token keys derive from one
//! master secret and everything else is in the store. What a node remembers of the store it
//! forgets within 2 s, which bounds how long a revoked key or an ended session works anywhere.
//!
//! What an organisation entrusts to us, such as its keys for providers, is in the [`Vault`]'s
//! care.
//!
//! [`SessionStore`]: runloom_store::SessionStore
//! [`Clock`]: runloom_domain::Clock

mod accounts;
mod api_key;
mod authenticate;
mod caller;
mod check;
mod config;
mod derive;
mod error;
mod first_owner;
mod fresh;
mod keys;
mod orgs;
mod password;
mod profile;
mod random;
mod refresh_token;
mod registration;
mod reset;
mod secret;
mod secrets;
mod sessions;
mod sign_in;
#[cfg(test)]
mod testing;
mod throttle;
mod tickets;
mod token;

pub use accounts::{Accounts, Me};
pub use caller::Caller;
pub use config::AccountsConfig;
pub use error::{AccountError, FieldError};
pub use first_owner::FirstOwner;
pub use keys::{ApiKey, ApiKeyRequest, CreatedApiKey};
pub use orgs::{
    Accepted, Invitation, InvitationRequest, Invited, Member, OrgRefusal, RunSight, ServiceAccount,
    ServiceAccountRequest,
};
pub use password::NO_PASSWORD;
pub use profile::ProfileChange;
pub use registration::Registration;
pub use reset::{PasswordReset, operator_reset};
pub use secret::Secret;
pub use secrets::{MasterKey, Place, Rotated, Rotation, Vault, VaultError};
pub use sessions::Tokens;
pub use sign_in::{AccessToken, Login, Registered};
pub use tickets::Ticket;
pub use token::TokenKeys;
