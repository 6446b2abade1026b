use std::time::Duration;

use runloom_domain::{OrgId, OrgRole, UserId};
use runloom_store::{CreateAccount, Idempotency, NewAccount, Once, StoreError};
use serde::{Deserialize, Serialize};

use crate::check::Checks;
use crate::password::Match;
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
    /// Their organisation: one that was made for them, of which they are the owner, or the one
    /// that invited them.
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
    /// `once` is given the account as it will be and may return what makes the call happen once;
    /// the answer kept there must not hold the token. The password is in the request's body, so
    /// its hash there is to be a [`fingerprint`](Self::fingerprint).
    ///
    /// Fails with [`AccountError::Invalid`], naming `login`, `email` and `password`, with
    /// [`AccountError::Taken`], or with [`AccountError::Busy`].
    pub async fn register(
        &self,
        login: &str,
        email: &str,
        password: Secret,
        once: impl FnOnce(&Registered) -> Option<Idempotency>,
    ) -> Result<Once<Registered>, AccountError> {
        let new = self.new_account(login, email, password).await?;
        let registered = Registered {
            user_id: new.user_id,
            org_id: new.org_id,
            access_token: self.access_token(new.org_id, new.user_id),
        };
        let once = once(&registered);
        match self.store.create_account(new, once).await? {
            Once::Done(CreateAccount::Created) => Ok(Once::Done(registered)),
            Once::Done(CreateAccount::Taken) => Err(AccountError::Taken),
            Once::Replayed(answer) => Ok(Once::Replayed(answer)),
            Once::Conflict(conflict) => Ok(Once::Conflict(conflict)),
        }
    }

    /// Checks what a person registers with, and hashes their password.
    pub(crate) async fn new_account(
        &self,
        login: &str,
        email: &str,
        password: Secret,
    ) -> Result<NewAccount, AccountError> {
        let mut checks = Checks::default();
        checks.login(login);
        checks.email(email);
        password::check(&mut checks, password.expose());
        checks.finish()?;

        let password_hash = self.passwords.hash(password).await?;
        let now = self.clock.now();
        Ok(NewAccount {
            user_id: UserId::generate(now),
            org_id: OrgId::generate(now),
            org_name: login.to_owned(),
            login: login.to_owned(),
            email: email.to_owned(),
            password_hash,
            role: OrgRole::Owner,
            api_key: None,
            created_at: now,
        })
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
        let verdict = self.passwords.verify(password.clone(), stored.clone());
        match (user, verdict.await?) {
            (Some(user), Ok(Match::Yes { outdated })) => {
                if let Some(old) = stored.filter(|_| outdated) {
                    self.rehash(user.user_id, password, &old).await;
                }
                Ok(self.access_token(user.org_id, user.user_id))
            }
            (Some(user), Err(unreadable)) => Err(AccountError::Store(StoreError::Corrupt {
                table: "users",
                column: "password_hash",
                key: user.user_id.to_string(),
                source: unreadable.into(),
            })),
            _ => Err(AccountError::BadCredentials),
        }
    }

    /// Hashes a good password anew, since its hash has other parameters than those of today. A
    /// failure doesn't matter to who signs in: the next login tries again.
    async fn rehash(&self, user_id: UserId, password: Secret, old: &str) {
        let new = match self.passwords.hash(password).await {
            Ok(new) => new,
            Err(error) => {
                tracing::debug!(%user_id, %error, "a password is not hashed anew now");
                return;
            }
        };
        let replaced = self.store.replace_password_hash(user_id, old, new).await;
        if let Err(error) = replaced {
            tracing::warn!(%user_id, %error, "a password's new hash can't be stored");
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
