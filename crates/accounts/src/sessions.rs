use std::time::Duration;

use runloom_domain::{OrgId, SessionId, Timestamp, UserId};
use runloom_store::{
    Actor, By, NewSession, NoOrg, OngoingSession, Origin, Page, Paged, RefreshSession, Refreshed,
    SessionEnd, SessionRecord,
};

use crate::caller::Credential;
use crate::refresh_token::RefreshToken;
use crate::sign_in::AccessToken;
use crate::{AccountError, Accounts, Caller, Secret};

/// How long a refresh token works that isn't used.
const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// For how long after it was used a refresh token gets the same successor again: a client that
/// lost the answer asks once more, and two windows of a browser ask at once.
const REPEATABLE_FOR: Duration = Duration::from_secs(10);

/// What a person is given who has signed in.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// For the `Authorization` header.
    pub access: AccessToken,
    /// Gets the next ones, once.
    pub refresh: Secret,
    /// How long that works from now on.
    pub refresh_expires_in: Duration,
}

impl Accounts {
    /// A session that begins now, and its first refresh token.
    pub(crate) fn new_session(&self) -> (NewSession, RefreshToken) {
        let now = self.clock.now();
        let token = self.refresh.first(SessionId::generate(now));
        let expires_at = self.usable_until(token.session_id(), now);
        let session = NewSession {
            session_id: token.session_id(),
            token_hash: token.hash(),
            created_at: now,
            expires_at,
        };
        (session, token)
    }

    /// When a refresh token stops working that is given out now: unused after a while, and with
    /// its session at the latest.
    fn usable_until(&self, session: SessionId, now: Timestamp) -> Timestamp {
        let unused = now + LIFETIME;
        self.end_of(session).map_or(unused, |end| unused.min(end))
    }

    /// When a session ends at the latest. Its id says when it began, and can't be made up: it
    /// comes in a token of ours.
    pub(crate) fn end_of(&self, session: SessionId) -> Option<Timestamp> {
        Some(session.made_at()? + self.config.session_lifetime?)
    }

    /// The tokens of a session that has just begun.
    pub(crate) fn first_tokens(&self, org: OrgId, user: UserId, token: &RefreshToken) -> Tokens {
        let now = self.clock.now();
        Tokens {
            access: self.access_token(org, user, Some(token.session_id())),
            refresh: token.text(),
            refresh_expires_in: self.usable_until(token.session_id(), now).since(now),
        }
    }

    /// Exchanges a refresh token for new tokens; the session goes on in `org`, if given.
    ///
    /// A token works once. Within 10 s it gets the same successor again, on whichever node; later
    /// it is taken for a copy in the wrong hands, and the session ends. Fails with
    /// [`AccountError::Unauthorized`], with [`AccountError::OrgNotFound`] for an organisation
    /// that the person isn't in, and with [`AccountError::NoOrg`].
    pub async fn refresh(
        &self,
        token: &Secret,
        org_id: Option<OrgId>,
        origin: Origin,
    ) -> Result<Tokens, AccountError> {
        let presented = self.refresh.read(token).ok_or(AccountError::Unauthorized)?;
        let successors: Vec<RefreshToken> = self.refresh.successors(&presented).collect();
        let now = self.clock.now();
        let expires_at = self.usable_until(presented.session_id(), now);
        if expires_at <= now {
            return Err(AccountError::Unauthorized);
        }
        let by = By::new(Actor::Bearer, origin, now);
        let refresh = RefreshSession {
            session_id: presented.session_id(),
            presented: presented.hash(),
            successor: successors[0].hash(),
            org_id,
            at: now,
            expires_at,
            repeatable_for: REPEATABLE_FOR,
        };
        match self.store.refresh_session(refresh, by).await? {
            Refreshed::Ongoing(session) => self.next_tokens(&session, &successors, now),
            Refreshed::Reused(user_id) => {
                self.lookups.forget_person(user_id);
                tracing::warn!(session.id = %presented.session_id(), user.id = %user_id,
                    "a refresh token was used again, so the session has ended");
                Err(AccountError::Unauthorized)
            }
            Refreshed::Unknown => Err(AccountError::Unauthorized),
            Refreshed::NoOrg(none) => Err(none.into()),
        }
    }

    fn next_tokens(
        &self,
        session: &OngoingSession,
        successors: &[RefreshToken],
        now: Timestamp,
    ) -> Result<Tokens, AccountError> {
        // None fits when it was made by a master secret that this node doesn't know.
        let token = successors
            .iter()
            .find(|token| token.hash() == session.token_hash)
            .ok_or(AccountError::Unauthorized)?;
        let id = Some(token.session_id());
        Ok(Tokens {
            access: self.access_token(session.org_id, session.user_id, id),
            refresh: token.text(),
            refresh_expires_in: session.expires_at.since(now),
        })
    }

    /// Signs the caller out: here, or everywhere. Their access tokens stop working at once on this
    /// node and within 2 s on every other.
    ///
    /// Fails with [`AccountError::PersonNeeded`] for an API key.
    pub async fn sign_out(&self, caller: &Caller, everywhere: bool) -> Result<(), AccountError> {
        let session = caller.person()?;
        let by = By::new(Actor::User(caller.user_id), caller.origin, self.clock.now());
        self.end(caller.user_id, session, everywhere, by).await
    }

    /// Signs a person out by a refresh token. One that doesn't work any more has nothing to end.
    /// The audit log names whoever holds the token, since nothing shows that it is the person.
    pub async fn sign_out_by(
        &self,
        token: &Secret,
        everywhere: bool,
        origin: Origin,
    ) -> Result<(), AccountError> {
        let Some(token) = self.refresh.read(token) else {
            return Ok(());
        };
        match self.store.session_owner(token.session_id()).await? {
            Some(user) => {
                let session = Some(token.session_id());
                let by = By::new(Actor::Bearer, origin, self.clock.now());
                self.end(user, session, everywhere, by).await
            }
            None => Ok(()),
        }
    }

    async fn end(
        &self,
        user: UserId,
        session: Option<SessionId>,
        everywhere: bool,
        by: By,
    ) -> Result<(), AccountError> {
        let now = by.at;
        if everywhere {
            self.store.end_all_sessions(user, now, by).await?;
        } else if let Some(session) = session {
            let why = SessionEnd::SignedOut;
            self.store.end_session(user, session, why, now, by).await?;
        }
        self.lookups.forget_person(user);
        Ok(())
    }

    /// Lists the caller's sessions that go on, newest first.
    pub async fn sessions(
        &self,
        caller: &Caller,
        page: Page,
    ) -> Result<Paged<SessionRecord>, AccountError> {
        caller.person()?;
        let now = self.clock.now();
        let mut found = self.store.sessions(caller.user_id, now, page).await?;
        // What is stored is later where sessions went on for longer when it was written.
        for session in &mut found.items {
            let end = self.end_of(session.session_id);
            session.expires_at = end.map_or(session.expires_at, |end| session.expires_at.min(end));
        }
        found.items.retain(|session| session.expires_at > now);
        Ok(found)
    }

    /// Ends one of the caller's sessions; false when it is none of those that go on.
    pub async fn end_session(
        &self,
        caller: &Caller,
        session: SessionId,
    ) -> Result<bool, AccountError> {
        caller.person()?;
        let (user, why, now) = (caller.user_id, SessionEnd::Revoked, self.clock.now());
        let ended = self
            .store
            .end_session(user, session, why, now, caller.by(self.clock.now()))
            .await?;
        self.lookups.forget_person(user);
        Ok(ended)
    }
}

impl Caller {
    /// The session that the request belongs to, if it belongs to one.
    pub const fn session_id(&self) -> Option<SessionId> {
        match self.credential {
            Credential::User { session_id, .. } => session_id,
            Credential::Key { .. } => None,
        }
    }

    /// The session of a person who has signed in; access tokens of former versions have none.
    /// Fails with [`AccountError::PersonNeeded`] for an API key.
    pub(crate) fn person(&self) -> Result<Option<SessionId>, AccountError> {
        match self.credential {
            Credential::User { session_id, .. } => Ok(session_id),
            Credential::Key { .. } => Err(AccountError::PersonNeeded),
        }
    }
}

impl From<NoOrg> for AccountError {
    fn from(none: NoOrg) -> Self {
        match none {
            NoOrg::NotAMember => Self::OrgNotFound,
            NoOrg::None => Self::NoOrg,
        }
    }
}

#[cfg(test)]
mod tests;
