use diesel::prelude::*;
use runloom_domain::OrgRole;
use runloom_store::{ApiKeyRecord, Idempotency, NewApiKey, StoreError, UserRecord};

use crate::failure::corrupt;
use crate::schema::{api_keys, idempotency_keys, memberships, users};
use crate::types::{At, Id};

/// A person as they are read; the hash is only for logins.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    user_id: Id,
    login: String,
    email: String,
    created_at: At,
}

/// A person's place in an organisation.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = memberships)]
pub(crate) struct MembershipRow {
    org_id: Id,
    role: String,
}

pub(crate) fn into_user(user: UserRow, member: &MembershipRow) -> Result<UserRecord, StoreError> {
    let role: OrgRole = member
        .role
        .parse()
        .map_err(|error| corrupt("memberships", "role", user.user_id, error))?;
    Ok(UserRecord {
        user_id: user.user_id.into(),
        org_id: member.org_id.into(),
        login: user.login,
        email: user.email,
        role,
        created_at: user.created_at.0,
    })
}

/// An API key as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub(crate) struct ApiKeyRow {
    org_id: Id,
    api_key_id: Id,
    user_id: Id,
    name: String,
    public_id: String,
    secret_hash: Vec<u8>,
    scopes: String,
    expires_at: Option<At>,
    last_used_at: Option<At>,
    created_at: At,
}

impl From<NewApiKey> for ApiKeyRow {
    fn from(new: NewApiKey) -> Self {
        Self {
            org_id: new.org_id.into(),
            api_key_id: new.api_key_id.into(),
            user_id: new.user_id.into(),
            name: new.name,
            public_id: new.public_id,
            secret_hash: new.secret_hash.to_vec(),
            scopes: serde_json::Value::from(new.scopes).to_string(),
            expires_at: new.expires_at.map(At),
            last_used_at: None,
            created_at: At(new.created_at),
        }
    }
}

impl ApiKeyRow {
    pub(crate) fn into_record(self, owner: UserRecord) -> Result<ApiKeyRecord, StoreError> {
        let id = self.api_key_id;
        Ok(ApiKeyRecord {
            api_key_id: id.into(),
            owner,
            name: self.name,
            public_id: self.public_id,
            secret_hash: hash("api_keys", "secret_hash", id, &self.secret_hash)?,
            scopes: serde_json::from_str(&self.scopes)
                .map_err(|error| corrupt("api_keys", "scopes", id, error))?,
            expires_at: self.expires_at.map(|at| at.0),
            last_used_at: self.last_used_at.map(|at| at.0),
            created_at: self.created_at.0,
        })
    }
}

/// What an idempotency key is stored with, besides its time.
#[derive(Debug, Clone, Insertable, AsChangeset)]
#[diesel(table_name = idempotency_keys)]
pub(crate) struct NewKeyRow {
    pub(crate) org_id: Id,
    pub(crate) principal: String,
    pub(crate) operation: String,
    pub(crate) key: String,
    pub(crate) body_hash: Vec<u8>,
    pub(crate) status: i32,
    pub(crate) answer: String,
}

impl NewKeyRow {
    pub(crate) fn new(org: Id, once: &Idempotency) -> Self {
        Self {
            org_id: org,
            principal: once.principal.clone(),
            operation: once.operation.clone(),
            key: once.key.clone(),
            body_hash: once.body_hash.to_vec(),
            status: i32::from(once.answer.status),
            answer: once.answer.body.clone(),
        }
    }
}

/// A SHA-256 from a column.
pub(crate) fn hash(
    table: &'static str,
    column: &'static str,
    key: impl std::fmt::Debug,
    bytes: &[u8],
) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|error| corrupt(table, column, key, format!("{error}")))
}
