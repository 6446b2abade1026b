use async_trait::async_trait;
use runloom_domain::{ApiKeyId, OrgId, OrgRole, Timestamp, UserId};

use super::MemoryStore;
use super::lists::newest_first;
use super::state::{State, rejected, storable};
use crate::{
    AccountStore, ApiKeyRecord, CreateAccount, Idempotency, LoginRecord, NewAccount, NewApiKey,
    Once, Page, PageKey, Paged, StoreError, UserRecord,
};

/// A person with their password's hash.
pub(super) struct Account {
    pub(super) user_id: UserId,
    pub(super) org_id: OrgId,
    pub(super) login: String,
    pub(super) email: String,
    pub(super) password_hash: String,
    pub(super) signed_out_at: Option<Timestamp>,
    role: OrgRole,
    created_at: Timestamp,
}

impl Account {
    /// Whether somebody can log in with this name.
    pub(super) fn has_name(&self, lowercase: &str) -> bool {
        self.login.to_lowercase() == lowercase || self.email.to_lowercase() == lowercase
    }

    pub(super) fn login_record(&self) -> LoginRecord {
        LoginRecord {
            user_id: self.user_id,
            login: self.login.clone(),
            email: self.email.clone(),
            org_id: Some(self.org_id),
            password_hash: self.password_hash.clone(),
            signed_out_at: self.signed_out_at,
        }
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
    ) -> Result<Once<CreateAccount>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable([new.org_name.as_str(), &new.login, &new.email])?;
        let (login, email) = (new.login.to_lowercase(), new.email.to_lowercase());
        let mut others = state.accounts.values();
        if others.any(|other| other.has_name(&login) || other.has_name(&email)) {
            return Ok(Once::Done(CreateAccount::Taken));
        }
        if let Some(key) = new.api_key.take() {
            if (key.org_id, key.user_id) != (new.org_id, new.user_id) {
                return Err(rejected("the first key is somebody else's"));
            }
            state.add_key(key)?;
        }
        if let Some(session) = new.session.take() {
            state.add_session(new.user_id, new.org_id, &session);
        }
        state.accounts.insert(new.user_id, new_account(new));
        state.keep(once, now);
        Ok(Once::Done(CreateAccount::Created))
    }

    async fn find_login(&self, login_or_email: &str) -> Result<Option<LoginRecord>, StoreError> {
        let wanted = login_or_email.to_lowercase();
        let state = self.state();
        let mut accounts = state.accounts.values();
        let found = accounts.find(|account| account.has_name(&wanted));
        Ok(found.map(Account::login_record))
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
    ) -> Result<Once<()>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        state.check_owner(&new)?;
        state.add_key(new)?;
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
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let mut keys = state.keys.iter_mut();
        let found = keys.find(|k| k.new.api_key_id == key && k.is_of(org, owner) && !k.revoked);
        Ok(found.map(|key| key.revoked = true).is_some())
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
    /// Somebody as a member of an organisation.
    pub(super) fn user_record(&self, org: OrgId, user: UserId) -> Option<UserRecord> {
        let account = self
            .accounts
            .get(&user)
            .filter(|found| found.org_id == org)?;
        Some(UserRecord {
            user_id: user,
            org_id: org,
            login: account.login.clone(),
            email: account.email.clone(),
            role: account.role,
            created_at: account.created_at,
        })
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

fn new_account(new: NewAccount) -> Account {
    Account {
        user_id: new.user_id,
        org_id: new.org_id,
        login: new.login,
        email: new.email,
        password_hash: new.password_hash,
        signed_out_at: None,
        role: new.role,
        created_at: new.created_at,
    }
}
