//! Sessions of people.

use async_trait::async_trait;
use runloom_domain::{OrgId, SessionId, Timestamp, UserId};
use runloom_store::{
    BeginSession, By, ChangePassword, CreateReset, Deleted, Idempotency, LoginRecord, NewReset,
    Once, Page, Paged, RefreshSession, Refreshed, Rename, Renamed, SessionEnd, SessionRecord,
    SessionStore, SignIn, SignedInUser, StoreError,
};

use crate::sqlite::queries::{accounts, resets, sessions};
use crate::sqlite::{SqliteStore, done};

#[async_trait]
impl SessionStore for SqliteStore {
    async fn begin_session(&self, sign_in: SignIn, by: By) -> Result<BeginSession, StoreError> {
        self.decide(move |c| done(sessions::begin(c, &sign_in, by)))
            .await
    }

    async fn refresh_session(
        &self,
        refresh: RefreshSession,
        by: By,
    ) -> Result<Refreshed, StoreError> {
        self.decide(move |c| done(sessions::refresh(c, &refresh, by)))
            .await
    }

    async fn signed_in_user(
        &self,
        org: OrgId,
        user: UserId,
        session: Option<SessionId>,
    ) -> Result<Option<SignedInUser>, StoreError> {
        self.read(move |c| done(sessions::signed_in_user(c, org, user, session)))
            .await
    }

    async fn session_owner(&self, session: SessionId) -> Result<Option<UserId>, StoreError> {
        self.read(move |c| done(sessions::owner(c, session))).await
    }

    async fn sessions(
        &self,
        user: UserId,
        at: Timestamp,
        page: Page,
    ) -> Result<Paged<SessionRecord>, StoreError> {
        self.read(move |c| done(sessions::list(c, user, at, page)))
            .await
    }

    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        why: SessionEnd,
        at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError> {
        self.write(move |c| done(sessions::end(c, user, session, why, at, by)))
            .await
    }

    async fn end_all_sessions(
        &self,
        user: UserId,
        at: Timestamp,
        by: By,
    ) -> Result<(), StoreError> {
        self.decide(move |c| done(sessions::end_all(c, user, at, by)))
            .await
    }

    async fn login_of(&self, user: UserId) -> Result<Option<LoginRecord>, StoreError> {
        self.read(move |c| done(accounts::login_of(c, user))).await
    }

    async fn change_password(&self, change: ChangePassword, by: By) -> Result<bool, StoreError> {
        self.decide(move |c| done(sessions::change_password(c, &change, by)))
            .await
    }

    async fn rename_user(&self, rename: Rename, by: By) -> Result<Renamed, StoreError> {
        self.decide(move |c| done(accounts::rename(c, &rename, by)))
            .await
    }

    async fn create_reset(
        &self,
        new: NewReset,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateReset>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(resets::create(c, now, &new, once, by)))
            .await
    }

    async fn has_reset(&self, token_hash: [u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        self.read(move |c| Ok(done(resets::owner(c, token_hash, at))?.is_some()))
            .await
    }

    async fn use_reset(
        &self,
        token_hash: [u8; 32],
        new_hash: String,
        at: Timestamp,
        by: By,
    ) -> Result<Option<UserId>, StoreError> {
        self.decide(move |c| done(resets::spend(c, token_hash, &new_hash, at, by)))
            .await
    }

    async fn delete_sessions(&self, before: Timestamp, limit: u32) -> Result<Deleted, StoreError> {
        self.decide(move |c| done(sessions::delete(c, before, limit)))
            .await
    }
}
