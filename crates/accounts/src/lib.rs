//! Who is asking, and what they may do: registration, passwords, access tokens, API keys,
//! permissions; and the secrets that organisations keep here.
//!
//! The crate knows neither HTTP nor SQL: it works on the [`AccountStore`] port, takes its time
//! of day from a [`Clock`], and says what went wrong in one [`AccountError`].
//!
//! Start with [`Accounts`]. A request brings a bearer credential; [`Accounts::authenticate`]
//! turns it into a [`Caller`], whose [`rights`](Caller::rights) are never more than what the
//! role of the person behind it allows at this moment.
//!
//! Every node of a deployment reaches the same verdicts, since the token keys derive from one
//! master secret and everything else is in the store. What a node remembers of the store it
//! forgets within 2 s, which bounds how long a revoked key works anywhere.
//!
//! What an organisation entrusts to us, such as its keys for providers, is in the [`Vault`]'s
//! care.
//!
//! [`AccountStore`]: runloom_store::AccountStore
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
mod random;
mod secret;
mod secrets;
mod sign_in;
#[cfg(test)]
mod testing;
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
pub use secret::Secret;
pub use secrets::{MasterKey, Place, Vault, VaultError};
pub use sign_in::{AccessToken, Registered};
pub use tickets::Ticket;
pub use token::TokenKeys;
