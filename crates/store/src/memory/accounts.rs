use async_trait::async_trait;
use runloom_domain::{ApiKeyId, OrgId, Timestamp, UserId, UserKind};

use super::MemoryStore;
use super::lists::newest_first;
use super::state::{State, rejected, storable};
use crate::{
    AccountStore, ApiKeyRecord, By, CreateAccount, Idempotency, LoginRecord, NewAccount, NewApiKey,
    Once, Page, PageKey, Paged, StoreError, UserRecord, entries,
};

/// A person with their password's hash, or a service account.
pub(super) struct Account {
    pub(super) user_id: UserId,
    pub(super) login: String,
    pub(super) email: String,
    pub(super) kind: UserKind,
    /// Whether it belongs to no organisation any more and has given up its names.
    pub(super) closed: bool,
    pub(super) password_hash: String,
    pub(super) signed_out_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl Account {
    pub(super) fn service(user_id: UserId, name: String, created_at: Timestamp) -> Self {
        Self {
            user_id,
            login: name,
            email: String::new(),
            kind: UserKind::Service,
            closed: false,
            password_hash: String::new(),
            signed_out_at: None,
            created_at,
        }
    }

    /// Whether somebody can log in with this name.
    pub(super) fn has_name(&self, lowercase: &str) -> bool {
        self.kind == UserKind::Person
            && !self.closed
            && (self.login.to_lowercase() == lowercase || self.email.to_lowercase() == lowercase)
    }
}

/// A key and what has happened to it since it was made.
pub(super) struct StoredKey {
    new: NewApiKey,
    last_used_at: Option<Timestamp>,
    revoked: bool,
}

#[async_trait]
impl AccountStore for MemoryStore {
    async fn create_account(
        &self,
        mut new: NewAccount,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateAccount>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable([new.org_name.as_str(), &new.login, &new.email])?;
        if state.is_taken(&new) {
            return Ok(Once::Done(CreateAccount::Taken));
        }
        let registered = entries::registered(&new, new.org_id, new.role);
        if let Some(key) = new.api_key.take() {
            if (key.org_id, key.user_id) != (new.org_id, new.user_id) {
                return Err(rejected("the first key is somebody else's"));
            }
            state.add_key(key)?;
        }
        state.make_org(new.org_id, &new.org_name, new.created_at);
        state.note(by, registered);
        state.add_person(new);
        state.keep(once, now);
        Ok(Once::Done(CreateAccount::Created))
    }

    async fn find_login(&self, login_or_email: &str) -> Result<Option<LoginRecord>, StoreError> {
        let wanted = login_or_email.to_lowercase();
        let state = self.state();
        let mut accounts = state.accounts.values();
        let found = accounts.find(|account| account.has_name(&wanted));
        Ok(found.map(|account| state.login_record(account)))
    }

    async fn user(&self, org: OrgId, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        Ok(self.state().user_record(org, user))
    }

    async fn replace_password_hash(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let found = state.accounts.get_mut(&user);
        let Some(account) = found.filter(|account| account.password_hash == old) else {
            return Ok(false);
        };
        account.password_hash = new;
        Ok(true)
    }

    async fn has_accounts(&self) -> Result<bool, StoreError> {
        Ok(!self.state().accounts.is_empty())
    }

    async fn create_api_key(
        &self,
        new: NewApiKey,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        state.check_owner(&new)?;
        let created = entries::key_created(&new);
        state.add_key(new)?;
        state.note(by, created);
        state.keep(once, now);
        Ok(Once::Done(()))
    }

    async fn find_api_key(&self, public_id: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        let state = self.state();
        let mut keys = state.valid_keys();
        let found = keys.find(|key| key.new.public_id == public_id);
        Ok(found.and_then(|key| state.key_record(key)))
    }

    async fn api_keys(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        page: Page,
    ) -> Result<Paged<ApiKeyRecord>, StoreError> {
        let state = self.state();
        let own = state.valid_keys().filter(|key| key.is_of(org, owner));
        let records = own.filter_map(|key| state.key_record(key)).collect();
        Ok(newest_first(records, page, |key| PageKey {
            created_at: key.created_at,
            id: key.api_key_id.as_uuid(),
        }))
    }

    async fn revoke_api_key(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        key: ApiKeyId,
        _at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let mut keys = state.keys.iter_mut();
        let found = keys.find(|k| k.new.api_key_id == key && k.is_of(org, owner) && !k.revoked);
        let revoked = found.map(|key| key.revoked = true).is_some();
        if revoked {
            state.note(by, entries::key_revoked(org, key));
        }
        Ok(revoked)
    }

    async fn touch_api_key(
        &self,
        org: OrgId,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let mut keys = state.keys.iter_mut();
        if let Some(key) = keys.find(|k| k.new.api_key_id == key && k.is_of(org, None)) {
            key.last_used_at = Some(at);
        }
        Ok(())
    }
}

impl StoredKey {
    fn is_of(&self, org: OrgId, owner: Option<UserId>) -> bool {
        self.new.org_id == org && owner.is_none_or(|owner| owner == self.new.user_id)
    }
}

impl State {
    /// Whether somebody has one of the names of a person who registers.
    pub(super) fn is_taken(&self, new: &NewAccount) -> bool {
        let (login, email) = (new.login.to_lowercase(), new.email.to_lowercase());
        let mut others = self.accounts.values();
        others.any(|other| other.has_name(&login) || other.has_name(&email))
    }

    /// Adds a person to an organisation that is there.
    pub(super) fn add_person(&mut self, mut new: NewAccount) {
        if let Some(session) = new.session.take() {
            self.add_session(new.user_id, new.org_id, &session);
        }
        self.add_member((new.org_id, new.user_id), new.role, new.created_at);
        let account = Account {
            user_id: new.user_id,
            login: new.login,
            email: new.email,
            kind: UserKind::Person,
            closed: false,
            password_hash: new.password_hash,
            signed_out_at: None,
            created_at: new.created_at,
        };
        self.accounts.insert(new.user_id, account);
    }

    /// Somebody as they log in.
    pub(super) fn login_record(&self, account: &Account) -> LoginRecord {
        LoginRecord {
            user_id: account.user_id,
            login: account.login.clone(),
            email: account.email.clone(),
            org_id: self.first_org_of(account.user_id),
            password_hash: account.password_hash.clone(),
            signed_out_at: account.signed_out_at,
        }
    }

    /// Somebody as a member of an organisation.
    pub(super) fn user_record(&self, org: OrgId, user: UserId) -> Option<UserRecord> {
        let account = self.accounts.get(&user)?;
        Some(UserRecord {
            user_id: user,
            org_id: org,
            login: account.login.clone(),
            email: account.email.clone(),
            role: self.role_in(org, user)?,
            created_at: account.created_at,
        })
    }

    /// Forgets the keys that somebody has in an organisation.
    pub(super) fn drop_keys_of(&mut self, org: OrgId, user: UserId) {
        self.keys.retain(|key| !key.is_of(org, Some(user)));
    }

    /// A key needs its owner in its organisation.
    fn check_owner(&self, new: &NewApiKey) -> Result<(), StoreError> {
        if self.user_record(new.org_id, new.user_id).is_none() {
            return Err(rejected("the key's owner isn't there"));
        }
        Ok(())
    }

    /// A key needs a public id that no other key has had.
    fn add_key(&mut self, new: NewApiKey) -> Result<(), StoreError> {
        storable([new.name.as_str()])?;
        let mut keys = self.keys.iter();
        if keys.any(|key| key.new.public_id == new.public_id) {
            return Err(rejected("a public id is repeated"));
        }
        self.keys.push(StoredKey {
            new,
            last_used_at: None,
            revoked: false,
        });
        Ok(())
    }

    fn valid_keys(&self) -> impl Iterator<Item = &StoredKey> {
        self.keys.iter().filter(|key| !key.revoked)
    }

    fn key_record(&self, key: &StoredKey) -> Option<ApiKeyRecord> {
        let new = key.new.clone();
        Some(ApiKeyRecord {
            api_key_id: new.api_key_id,
            owner: self.user_record(new.org_id, new.user_id)?,
            name: new.name,
            public_id: new.public_id,
            secret_hash: new.secret_hash,
            scopes: new.scopes,
            expires_at: new.expires_at,
            last_used_at: key.last_used_at,
            created_at: new.created_at,
        })
    }
}
