use async_trait::async_trait;
use runloom_domain::{ApiKeyId, OrgId, OrgRole, Timestamp, UserId};

use crate::{By, Idempotency, NewSession, Once, Page, Paged, StoreError};

/// A person, and the organisation that is made with them or that they join.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The person.
    pub user_id: UserId,
    /// The organisation; made when it isn't there.
    pub org_id: OrgId,
    /// The organisation's name, when it is made.
    pub org_name: String,
    /// The name to log in with; unique without regard to case.
    pub login: String,
    /// The e-mail address; unique without regard to case.
    pub email: String,
    /// The password's argon2id hash in PHC form.
    pub password_hash: String,
    /// What the person is in the organisation.
    pub role: OrgRole,
    /// Their first API key, when they shall have one from the beginning.
    pub api_key: Option<NewApiKey>,
    /// Their first session, when they are signed in from the beginning.
    pub session: Option<NewSession>,
    /// When.
    pub created_at: Timestamp,
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateAccount {
    /// It is there.
    Created,
    /// Somebody has this login or e-mail address.
    Taken,
}

/// A person as they log in, and what that is checked against.
#[derive(Clone, Debug)]
pub struct LoginRecord {
    /// The person.
    pub user_id: UserId,
    /// The name to log in with.
    pub login: String,
    /// The e-mail address.
    pub email: String,
    /// The organisation that they joined first; none when they have left all.
    pub org_id: Option<OrgId>,
    /// The stored hash.
    pub password_hash: String,
    /// When the password was last changed, or all sessions were ended.
    pub signed_out_at: Option<Timestamp>,
}

/// A person in their organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The person.
    pub user_id: UserId,
    /// Their organisation.
    pub org_id: OrgId,
    /// The name to log in with.
    pub login: String,
    /// The e-mail address.
    pub email: String,
    /// What they are in the organisation.
    pub role: OrgRole,
    /// When they registered.
    pub created_at: Timestamp,
}

/// An API key to be stored; the secret itself never reaches the store.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Its id.
    pub api_key_id: ApiKeyId,
    /// Its organisation.
    pub org_id: OrgId,
    /// Its owner.
    pub user_id: UserId,
    /// What people call it.
    pub name: String,
    /// The 8 characters by which it is found.
    pub public_id: String,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// Names of permissions.
    pub scopes: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An API key as stored, with its owner as of now. Revoked keys are absent.
#[derive(Clone, Debug)]
pub struct ApiKeyRecord {
    /// Its id.
    pub api_key_id: ApiKeyId,
    /// Its owner, with the role of this moment.
    pub owner: UserRecord,
    /// What people call it.
    pub name: String,
    /// The 8 characters by which it is found.
    pub public_id: String,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// Names of permissions.
    pub scopes: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// People, organisations and API keys.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Registers a person with their organisation, their first API key and their first session:
    /// all of it or nothing. The idempotency key belongs to no organisation; a name that is taken leaves
    /// none behind.
    async fn create_account(
        &self,
        new: NewAccount,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateAccount>, StoreError>;

    /// Finds a person by login or e-mail address, without regard to case.
    async fn find_login(&self, login_or_email: &str) -> Result<Option<LoginRecord>, StoreError>;

    /// Finds a person by id.
    async fn user(&self, org: OrgId, user: UserId) -> Result<Option<UserRecord>, StoreError>;

    /// Replaces the hash of a person's password by another one, if it is still `old`; whether
    /// it was.
    async fn replace_password_hash(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<bool, StoreError>;

    /// Whether anybody has registered yet.
    async fn has_accounts(&self) -> Result<bool, StoreError>;

    /// Stores an API key.
    async fn create_api_key(
        &self,
        new: NewApiKey,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError>;

    /// Finds an API key by its public id.
    async fn find_api_key(&self, public_id: &str) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// Lists the keys of an organisation, or only those of `owner`.
    async fn api_keys(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        page: Page,
    ) -> Result<Paged<ApiKeyRecord>, StoreError>;

    /// Revokes a key (of `owner`, when given); false when there is none.
    async fn revoke_api_key(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        key: ApiKeyId,
        at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError>;

    /// Notes that a key was used.
    async fn touch_api_key(
        &self,
        org: OrgId,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}
