use std::time::Duration;

use runloom_domain::{OrgId, OrgRole, UserId};
use runloom_store::{CreateAccount, NewAccount, StoreError};
use serde::{Deserialize, Serialize};

use crate::check::Checks;
use crate::{AccountError, Accounts, Secret, password};

/// A signed token for the `Authorization` header.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub token: Secret,
    /// How long it works from now on.
    pub expires_in: Duration,
}

/// A person who has just registered.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The person.
    pub user_id: UserId,
    /// The organisation that was made for them, of which they are the owner.
    pub org_id: OrgId,
    /// Signs them in.
    pub access_token: AccessToken,
}

/// What an access token claims beside what every token does.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccessClaims {
    pub(crate) sub: UserId,
    pub(crate) org: OrgId,
}

impl Accounts {
    /// Registers a person and makes an organisation of their own, named after their login.
    ///
    /// Fails with [`AccountError::Invalid`], naming `login`, `email` and `password`, with
    /// [`AccountError::Taken`], or with [`AccountError::Busy`].
    pub async fn register(
        &self,
        login: &str,
        email: &str,
        password: Secret,
    ) -> Result<Registered, AccountError> {
        let mut checks = Checks::default();
        checks.login(login);
        checks.email(email);
        password::check(&mut checks, password.expose());
        checks.finish()?;

        let password_hash = self.passwords.hash(password).await?;
        let now = self.clock.now();
        let (user_id, org_id) = (UserId::generate(now), OrgId::generate(now));
        let new = NewAccount {
            user_id,
            org_id,
            org_name: login.to_owned(),
            login: login.to_owned(),
            email: email.to_owned(),
            password_hash,
            role: OrgRole::Owner,
            created_at: now,
        };
        match self.store.create_account(new).await? {
            CreateAccount::Created => Ok(Registered {
                user_id,
                org_id,
                access_token: self.access_token(org_id, user_id),
            }),
            CreateAccount::Taken => Err(AccountError::Taken),
        }
    }

    /// Signs a person in by login or e-mail address.
    ///
    /// Fails with [`AccountError::BadCredentials`] after the same work whether the login or
    /// the password is wrong; with [`AccountError::Busy`] when too many sign in at once.
    /// Nobody is locked out by somebody else's attempts.
    pub async fn login(
        &self,
        login_or_email: &str,
        password: Secret,
    ) -> Result<AccessToken, AccountError> {
        let mut checks = Checks::default();
        checks.without_nul("login", login_or_email);
        checks.without_nul("password", password.expose());
        checks.finish()?;

        let (user, stored) = match self.store.find_login(login_or_email).await? {
            Some(found) => (Some(found.user), Some(found.password_hash)),
            None => (None, None),
        };
        let verdict = self.passwords.verify(password, stored).await?;
        match (user, verdict) {
            (Some(user), Ok(true)) => Ok(self.access_token(user.org_id, user.user_id)),
            (Some(user), Err(unreadable)) => Err(AccountError::Store(StoreError::Corrupt {
                table: "users",
                column: "password_hash",
                key: user.user_id.to_string(),
                source: unreadable.into(),
            })),
            _ => Err(AccountError::BadCredentials),
        }
    }

    /// Signs a person in whose identity has been established.
    pub(crate) fn access_token(&self, org: OrgId, sub: UserId) -> AccessToken {
        let expires_in = self.config.access_token_lifetime;
        let claims = AccessClaims { sub, org };
        AccessToken {
            token: self
                .access
                .sign(claims, self.clock.now(), expires_in)
                .into(),
            expires_in,
        }
    }
}

#[cfg(test)]
mod tests;
