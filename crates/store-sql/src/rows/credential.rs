use diesel::prelude::*;
use runloom_store::{CredentialRecord, CredentialSettings, StoreError, StoredKey};

use super::{secret, signed, unsigned};
use crate::schema::llm_credentials;
use crate::types::{At, Id};

const TABLE: &str = "llm_credentials";

/// A credential as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = llm_credentials, primary_key(org_id, credential_id))]
#[diesel(treat_none_as_null = true)]
pub(crate) struct CredentialRow {
    org_id: Id,
    credential_id: Id,
    provider: String,
    name: String,
    base_url: Option<String>,
    secret: Option<Vec<u8>>,
    secret_nonce: Option<Vec<u8>>,
    secret_key_version: Option<i64>,
    key_prefix: Option<String>,
    version: i64,
    created_by: Id,
    created_at: At,
    updated_at: At,
}

impl From<CredentialRecord> for CredentialRow {
    fn from(record: CredentialRecord) -> Self {
        let (secret, key_prefix) = match record.settings.key {
            Some(StoredKey { secret, prefix }) => (Some(secret), prefix),
            None => (None, None),
        };
        let (ciphertext, nonce, key_version) = secret::columns(secret);
        Self {
            org_id: record.org_id.into(),
            credential_id: record.credential_id.into(),
            provider: record.provider,
            name: record.settings.name,
            base_url: record.settings.base_url,
            secret: ciphertext,
            secret_nonce: nonce,
            secret_key_version: key_version,
            key_prefix,
            version: signed(record.version),
            created_by: record.created_by.into(),
            created_at: At(record.created_at),
            updated_at: At(record.updated_at),
        }
    }
}

impl CredentialRow {
    pub(crate) fn into_record(self) -> Result<CredentialRecord, StoreError> {
        let id = self.credential_id;
        let columns = (self.secret, self.secret_nonce, self.secret_key_version);
        let secret = secret::read(TABLE, id, columns)?;
        let prefix = self.key_prefix;
        Ok(CredentialRecord {
            org_id: self.org_id.into(),
            credential_id: id.into(),
            provider: self.provider,
            settings: CredentialSettings {
                name: self.name,
                base_url: self.base_url,
                key: secret.map(|secret| StoredKey { secret, prefix }),
            },
            version: unsigned(TABLE, "version", id, self.version)?,
            created_by: self.created_by.into(),
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        })
    }
}
