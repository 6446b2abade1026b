//! Sessions of people.

use async_trait::async_trait;
use futures_util::FutureExt;
use runloom_domain::{OrgId, SessionId, Timestamp, UserId, hex};
use runloom_store::{
    BeginSession, By, ChangePassword, CreateReset, Deleted, Idempotency, LoginRecord, NewReset,
    Once, Page, Paged, RefreshSession, Refreshed, Rename, Renamed, SessionEnd, SessionRecord,
    SessionStore, SignIn, SignedInUser, StoreError,
};

use crate::postgres::dialect::Now;
use crate::postgres::queries::{accounts, resets, sessions};
use crate::postgres::scope::Scope;
use crate::postgres::transaction::transaction;
use crate::postgres::{PostgresStore, error};

#[async_trait]
impl SessionStore for PostgresStore {
    async fn begin_session(&self, sign_in: SignIn, by: By) -> Result<BeginSession, StoreError> {
        decide!(self, create(sign_in.user_id), sign_in, |c, sign_in| {
            sessions::begin(c, sign_in, by)
        })
    }

    async fn refresh_session(
        &self,
        refresh: RefreshSession,
        by: By,
    ) -> Result<Refreshed, StoreError> {
        let Some(user) = self.session_owner(refresh.session_id).await? else {
            return Ok(Refreshed::Unknown);
        };
        decide!(self, create(user), refresh, |c, refresh| sessions::refresh(
            c, refresh, by
        ))
    }

    async fn signed_in_user(
        &self,
        org: OrgId,
        user: UserId,
        session: Option<SessionId>,
    ) -> Result<Option<SignedInUser>, StoreError> {
        let scope = Scope::from(org).and(user);
        read!(
            self,
            any(scope),
            sessions::signed_in_user(org, user, session)
        )
    }

    async fn session_owner(&self, session: SessionId) -> Result<Option<UserId>, StoreError> {
        let scope = Scope::lookup(&session.to_string());
        read!(self, any(scope), sessions::owner(session))
    }

    async fn sessions(
        &self,
        user: UserId,
        at: Timestamp,
        page: Page,
    ) -> Result<Paged<SessionRecord>, StoreError> {
        read!(self, any(user), sessions::list(user, at, page))
    }

    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        why: SessionEnd,
        at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError> {
        write!(self, any(user), c => sessions::end(c, user, session, why, at, by).await)
    }

    async fn end_all_sessions(
        &self,
        user: UserId,
        at: Timestamp,
        by: By,
    ) -> Result<(), StoreError> {
        decide!(self, any(user), (), |c, ()| sessions::end_all(
            c, user, at, by
        ))
    }

    async fn login_of(&self, user: UserId) -> Result<Option<LoginRecord>, StoreError> {
        read!(self, any(user), accounts::login_of(user))
    }

    async fn change_password(&self, change: ChangePassword, by: By) -> Result<bool, StoreError> {
        decide!(self, any(change.user_id), change, |c, change| {
            sessions::change_password(c, change, by)
        })
    }

    async fn rename_user(&self, rename: Rename, by: By) -> Result<Renamed, StoreError> {
        decide!(self, any(rename.user_id), rename, |c, rename| {
            accounts::rename(c, rename, by)
        })
    }

    async fn create_reset(
        &self,
        new: NewReset,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateReset>, StoreError> {
        let scope = Scope::from(new.user_id);
        let scope = match (new.org_id, &once) {
            (Some(org), _) => scope.and(org),
            (None, Some(once)) => scope.and(Scope::lookup(&once.key)),
            (None, None) => scope,
        };
        decide!(self, create(scope), (new, once), |c, (new, once)| {
            resets::create(c, Now, new, once.clone(), by)
        })
    }

    async fn has_reset(&self, token_hash: [u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        let found = self.reset_owner(token_hash, at).await?;
        Ok(found.is_some())
    }

    async fn use_reset(
        &self,
        token_hash: [u8; 32],
        new_hash: String,
        at: Timestamp,
        by: By,
    ) -> Result<Option<UserId>, StoreError> {
        let Some(user) = self.reset_owner(token_hash, at).await? else {
            return Ok(None);
        };
        decide!(self, any(user), new_hash, |c, new_hash| resets::spend(
            c, token_hash, new_hash, at, by
        ))
    }

    async fn delete_sessions(&self, before: Timestamp, limit: u32) -> Result<Deleted, StoreError> {
        decide!(self, dispatch, (), |c, ()| sessions::delete(
            c, before, limit
        ))
    }
}

impl PostgresStore {
    async fn reset_owner(
        &self,
        token_hash: [u8; 32],
        at: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        let scope = Scope::lookup(&hex(&token_hash));
        read!(self, any(scope), resets::owner(token_hash, at))
    }
}
