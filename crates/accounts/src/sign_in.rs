use std::net::IpAddr;
use std::time::Duration;

use runloom_domain::{OrgId, OrgRole, SessionId, TraceId, UserId};
use runloom_store::{
    Actor, BeginSession, By, CreateAccount, Idempotency, LoginRecord, NewAccount, Once, Origin,
    SignIn,
};
use serde::{Deserialize, Serialize};

use crate::check::Checks;
use crate::password::Match;
use crate::{AccountError, Accounts, Secret, Tokens, password};

/// How often a sign-in is tried during which the password is changed, or the person signs out
/// everywhere.
const TRIES: u32 = 3;

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
    /// Sign them in.
    pub tokens: Tokens,
}

/// What an access token claims beside what every token does.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccessClaims {
    pub(crate) sub: UserId,
    pub(crate) org: OrgId,
    /// The session; tokens that former versions have issued have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<SessionId>,
}

/// A person who wants to sign in.
#[derive(Clone, Debug)]
pub struct Login {
    /// Login or e-mail address.
    pub name: String,
    /// The password.
    pub password: Secret,
    /// The organisation to work in: by default that of their newest session, else the one that
    /// they joined first.
    pub org_id: Option<OrgId>,
    /// Where the request comes from.
    pub from: IpAddr,
    /// The request's trace.
    pub trace_id: Option<TraceId>,
}

impl Accounts {
    /// Registers a person and makes an organisation of their own, named after their login.
    ///
    /// `once` is given the account as it will be and may return what makes the call happen once;
    /// the answer kept there must not hold the tokens. The password is in the request's body, so
    /// its hash there is to be a [`fingerprint`](Self::fingerprint).
    ///
    /// Fails with [`AccountError::Invalid`], naming `login`, `email` and `password`, with
    /// [`AccountError::Taken`], with [`AccountError::Busy`], and where not everybody may register
    /// with [`AccountError::RegistrationClosed`] or [`AccountError::InvitationNeeded`].
    pub async fn register(
        &self,
        login: &str,
        email: &str,
        password: Secret,
        origin: Origin,
        once: impl FnOnce(&Registered) -> Option<Idempotency>,
    ) -> Result<Once<Registered>, AccountError> {
        self.admit_registration(false)?;
        let mut new = self.new_account(login, email, password).await?;
        let (session, token) = self.new_session();
        new.session = Some(session);
        let registered = Registered {
            user_id: new.user_id,
            org_id: new.org_id,
            tokens: self.first_tokens(new.org_id, new.user_id, &token),
        };
        let once = once(&registered);
        let by = By::new(Actor::User(new.user_id), origin, new.created_at);
        match self.store.create_account(new, once, by).await? {
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
        password::check(&mut checks, "password", password.expose());
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
            session: None,
            created_at: now,
        })
    }

    /// Signs a person in by login or e-mail address.
    ///
    /// Fails with [`AccountError::BadCredentials`] after the same work whether the login or
    /// the password is wrong; with [`AccountError::TooManyAttempts`] after many wrong passwords
    /// from the same address, whether or not the login exists, and never for those from others;
    /// with [`AccountError::Busy`] when too many sign in at once. With the right password it
    /// fails with [`AccountError::OrgNotFound`] when the person isn't in the organisation, and
    /// with [`AccountError::NoOrg`] when they are in none.
    pub async fn login(&self, login: Login) -> Result<Tokens, AccountError> {
        let mut checks = Checks::default();
        checks.without_nul("login", &login.name);
        checks.without_nul("password", login.password.expose());
        checks.finish()?;

        let attempt = self.throttle.admit(&login.name, login.from)?;
        let outcome = self.sign_in(&login).await;
        match &outcome {
            Ok(_) | Err(AccountError::OrgNotFound | AccountError::NoOrg) => attempt.succeeded(),
            Err(AccountError::BadCredentials) => attempt.failed(),
            // It says nothing about the password.
            Err(_) => {}
        }
        outcome
    }

    async fn sign_in(&self, login: &Login) -> Result<Tokens, AccountError> {
        for _ in 0..TRIES {
            let user = self.verified(login).await?;
            let (session, token) = self.new_session();
            let origin = Origin {
                address: Some(login.from),
                trace_id: login.trace_id,
            };
            let by = By::new(Actor::User(user.user_id), origin, session.created_at);
            let sign_in = SignIn {
                user_id: user.user_id,
                org_id: login.org_id,
                signed_out_at: user.signed_out_at,
                session,
            };
            match self.store.begin_session(sign_in, by).await? {
                BeginSession::Begun(org) => {
                    return Ok(self.first_tokens(org, user.user_id, &token));
                }
                BeginSession::NoOrg(none) => return Err(none.into()),
                BeginSession::Outdated => {}
            }
        }
        Err(AccountError::BadCredentials)
    }

    /// The person whose password it is.
    async fn verified(&self, login: &Login) -> Result<LoginRecord, AccountError> {
        let user = self.store.find_login(&login.name).await?;
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let verdict = self.passwords.verify(login.password.clone(), stored);
        match (user, verdict.await?) {
            (Some(user), Ok(Match::Yes { outdated })) => {
                if outdated {
                    let password = login.password.clone();
                    self.rehash(user.user_id, password, &user.password_hash)
                        .await;
                }
                Ok(user)
            }
            (Some(user), Err(unreadable)) => Err(unreadable.of(user.user_id)),
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
    pub(crate) fn access_token(
        &self,
        org: OrgId,
        sub: UserId,
        sid: Option<SessionId>,
    ) -> AccessToken {
        let (now, lifetime) = (self.clock.now(), self.config.access_token_lifetime);
        let left = sid.and_then(|id| Some(self.end_of(id)?.since(now)));
        let expires_in = left.map_or(lifetime, |left| lifetime.min(left));
        let claims = AccessClaims { sub, org, sid };
        AccessToken {
            token: self.access.sign(claims, now, expires_in).into(),
            expires_in,
        }
    }
}

#[cfg(test)]
mod tests;
