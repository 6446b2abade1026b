//! What the tests of this crate share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use runloom_domain::{
    ApiKeyId, Clock as _, ManualClock, OrgId, OrgRole, SessionId, Timestamp, UserId,
};
use runloom_store::memory::MemoryStore;
use runloom_store::{
    AccountStore, ApiKeyRecord, BeginSession, By, ChangePassword, CreateAccount, CreateReset,
    Deleted, Idempotency, LoginRecord, NewAccount, NewApiKey, NewReset, Once, Origin, Page, Paged,
    RefreshSession, Refreshed, Rename, Renamed, SessionEnd, SessionRecord, SessionStore, SignIn,
    SignedInUser, StoreError, UserRecord,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    AccountError, Accounts, AccountsConfig, ApiKeyRequest, Caller, CreatedApiKey, Login,
    Registered, TokenKeys, Tokens,
};

/// The master secret of the tests.
pub(crate) const MASTER: [u8; 32] = [7; 32];

/// Accounts over an empty store, with a clock that stands still.
pub(crate) struct Fixture {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<Watched>,
    pub(crate) accounts: Accounts,
    pub(crate) touched: UnboundedReceiver<ApiKeyId>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(
            1_767_225_600_000_000,
        )));
        let (touches, touched) = unbounded_channel();
        let store = Arc::new(Watched {
            inner: MemoryStore::new(clock.clone()),
            reads: AtomicUsize::new(0),
            touches,
        });
        let accounts = Accounts::new(
            store.clone(),
            Arc::new(store.inner.clone()),
            clock.clone(),
            &TokenKeys::derive(&MASTER),
            AccountsConfig::default(),
        );
        Self {
            clock,
            store,
            accounts,
            touched,
        }
    }

    /// Another node on the same store.
    pub(crate) fn other_node(&self) -> Accounts {
        self.node(AccountsConfig::default())
    }

    /// The same with another configuration.
    pub(crate) fn node(&self, config: AccountsConfig) -> Accounts {
        Accounts::new(
            self.store.clone(),
            Arc::new(self.store.inner.clone()),
            self.clock.clone(),
            &TokenKeys::derive(&MASTER),
            config,
        )
    }

    /// Somebody new in an organisation of their own: their access token.
    pub(crate) async fn bearer(&self, login: &str, role: OrgRole) -> String {
        let org_id = OrgId::generate(self.clock.now());
        self.bearer_in(org_id, login, role).await
    }

    async fn bearer_in(&self, org_id: OrgId, login: &str, role: OrgRole) -> String {
        let now = self.clock.now();
        let user_id = UserId::generate(now);
        let new = NewAccount {
            user_id,
            org_id,
            org_name: login.to_owned(),
            login: login.to_owned(),
            email: format!("{login}@example.com"),
            password_hash: "none".to_owned(),
            role,
            api_key: None,
            session: None,
            created_at: now,
        };
        let created = self
            .store
            .create_account(new, None, By::system(self.clock.now()))
            .await
            .unwrap();
        assert_eq!(created, Once::Done(CreateAccount::Created));
        let token = self.accounts.access_token(org_id, user_id, None).token;
        token.expose().to_owned()
    }

    /// Somebody new who has registered.
    pub(crate) async fn registered(&self, login: &str) -> Registered {
        let email = format!("{login}@example.com");
        let made =
            self.accounts
                .register(login, &email, PASSWORD.into(), Origin::default(), |_| None);
        match made.await.unwrap() {
            Once::Done(registered) => registered,
            other => panic!("nothing to replay: {other:?}"),
        }
    }

    /// Whoever has these tokens.
    pub(crate) async fn caller_of(&self, tokens: &Tokens) -> Result<Caller, AccountError> {
        let bearer = tokens.access.token.expose();
        self.accounts.authenticate(bearer).await
    }

    /// Somebody new in the caller's organisation, authenticated.
    pub(crate) async fn colleague(&self, of: &Caller, login: &str, role: OrgRole) -> Caller {
        let bearer = self.bearer_in(of.org_id, login, role).await;
        self.accounts.authenticate(&bearer).await.unwrap()
    }

    /// Somebody new, authenticated.
    pub(crate) async fn caller(&self, login: &str, role: OrgRole) -> Caller {
        let bearer = self.bearer(login, role).await;
        self.accounts.authenticate(&bearer).await.unwrap()
    }

    /// A new key of the caller.
    pub(crate) async fn key(&self, caller: &Caller, scopes: &[&str]) -> CreatedApiKey {
        let made = self
            .accounts
            .create_api_key(caller, request(scopes), |_| None);
        match made.await.unwrap() {
            Once::Done(created) => created,
            other => panic!("nothing to replay: {other:?}"),
        }
    }

    /// How often the store was asked who somebody is.
    pub(crate) fn reads(&self) -> usize {
        self.store.reads.load(Ordering::SeqCst)
    }
}

/// Signs in by a name, from an address.
pub(crate) fn login_from(name: &str, password: &str, from: &str) -> Login {
    Login {
        name: name.to_owned(),
        password: password.into(),
        org_id: None,
        from: from.parse().unwrap(),
        trace_id: None,
    }
}

/// Signs in by a name.
pub(crate) fn login(name: &str, password: &str) -> Login {
    login_from(name, password, HERE)
}

/// Where requests of the tests come from.
pub(crate) const HERE: &str = "192.0.2.1";

/// The password of the people of the tests.
pub(crate) const PASSWORD: &str = "correct horse";

/// Asks for a key called `k`.
pub(crate) fn request(scopes: &[&str]) -> ApiKeyRequest {
    ApiKeyRequest {
        name: "k".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_at: None,
        user_id: None,
    }
}

/// An in-memory store that tells what it was asked.
pub(crate) struct Watched {
    inner: MemoryStore,
    reads: AtomicUsize,
    touches: UnboundedSender<ApiKeyId>,
}

#[async_trait]
impl AccountStore for Watched {
    async fn create_account(
        &self,
        new: NewAccount,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateAccount>, StoreError> {
        self.inner.create_account(new, once, by).await
    }

    async fn find_login(&self, login_or_email: &str) -> Result<Option<LoginRecord>, StoreError> {
        self.inner.find_login(login_or_email).await
    }

    async fn user(&self, org: OrgId, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        self.inner.user(org, user).await
    }

    async fn replace_password_hash(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<bool, StoreError> {
        self.inner.replace_password_hash(user, old, new).await
    }

    async fn has_accounts(&self) -> Result<bool, StoreError> {
        self.inner.has_accounts().await
    }

    async fn create_api_key(
        &self,
        new: NewApiKey,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        self.inner.create_api_key(new, once, by).await
    }

    async fn find_api_key(&self, public_id: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.find_api_key(public_id).await
    }

    async fn api_keys(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        page: Page,
    ) -> Result<Paged<ApiKeyRecord>, StoreError> {
        self.inner.api_keys(org, owner, page).await
    }

    async fn revoke_api_key(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        key: ApiKeyId,
        at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError> {
        self.inner.revoke_api_key(org, owner, key, at, by).await
    }

    async fn touch_api_key(
        &self,
        org: OrgId,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.touch_api_key(org, key, at).await?;
        let _ = self.touches.send(key);
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Watched {
    async fn begin_session(&self, sign_in: SignIn, by: By) -> Result<BeginSession, StoreError> {
        self.inner.begin_session(sign_in, by).await
    }

    async fn refresh_session(
        &self,
        refresh: RefreshSession,
        by: By,
    ) -> Result<Refreshed, StoreError> {
        self.inner.refresh_session(refresh, by).await
    }

    async fn signed_in_user(
        &self,
        org: OrgId,
        user: UserId,
        session: Option<SessionId>,
    ) -> Result<Option<SignedInUser>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.signed_in_user(org, user, session).await
    }

    async fn session_owner(&self, session: SessionId) -> Result<Option<UserId>, StoreError> {
        self.inner.session_owner(session).await
    }

    async fn sessions(
        &self,
        user: UserId,
        at: Timestamp,
        page: Page,
    ) -> Result<Paged<SessionRecord>, StoreError> {
        self.inner.sessions(user, at, page).await
    }

    async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        why: SessionEnd,
        at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError> {
        self.inner.end_session(user, session, why, at, by).await
    }

    async fn end_all_sessions(
        &self,
        user: UserId,
        at: Timestamp,
        by: By,
    ) -> Result<(), StoreError> {
        self.inner.end_all_sessions(user, at, by).await
    }

    async fn login_of(&self, user: UserId) -> Result<Option<LoginRecord>, StoreError> {
        self.inner.login_of(user).await
    }

    async fn change_password(&self, change: ChangePassword, by: By) -> Result<bool, StoreError> {
        self.inner.change_password(change, by).await
    }

    async fn rename_user(&self, rename: Rename, by: By) -> Result<Renamed, StoreError> {
        self.inner.rename_user(rename, by).await
    }

    async fn create_reset(
        &self,
        new: NewReset,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateReset>, StoreError> {
        self.inner.create_reset(new, once, by).await
    }

    async fn has_reset(&self, token_hash: [u8; 32], at: Timestamp) -> Result<bool, StoreError> {
        self.inner.has_reset(token_hash, at).await
    }

    async fn use_reset(
        &self,
        token_hash: [u8; 32],
        new_hash: String,
        at: Timestamp,
        by: By,
    ) -> Result<Option<UserId>, StoreError> {
        self.inner.use_reset(token_hash, new_hash, at, by).await
    }

    async fn delete_sessions(&self, before: Timestamp, limit: u32) -> Result<Deleted, StoreError> {
        self.inner.delete_sessions(before, limit).await
    }
}
