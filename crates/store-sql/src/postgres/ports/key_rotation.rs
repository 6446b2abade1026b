//! Changing the keys that secrets are encrypted with.

use async_trait::async_trait;
use runloom_domain::{EncryptedSecret, OrgId};
use runloom_store::{DataKey, KeyRotation, SecretColumn, StoreError, StoredSecret};

use crate::postgres::queries::key_rotation;
use crate::postgres::scope::Scope;
use crate::postgres::{PostgresStore, error};

#[async_trait]
impl KeyRotation for PostgresStore {
    async fn org_ids(&self, after: Option<OrgId>, limit: u32) -> Result<Vec<OrgId>, StoreError> {
        read!(self, dispatch, key_rotation::org_ids(after, limit))
    }

    async fn data_keys(&self, org: OrgId) -> Result<Vec<DataKey>, StoreError> {
        read!(self, any(org), key_rotation::data_keys(org))
    }

    async fn rewrap_data_key(&self, key: DataKey, old_master: &str) -> Result<bool, StoreError> {
        let old_master = old_master.to_owned();
        write!(self, any(key.org_id), c => key_rotation::rewrap(c, key, old_master).await)
    }

    async fn secrets_below(
        &self,
        org: OrgId,
        column: SecretColumn,
        key_version: u32,
        limit: u32,
    ) -> Result<Vec<StoredSecret>, StoreError> {
        read!(
            self,
            any(org),
            key_rotation::secrets_below(org, column, key_version, limit)
        )
    }

    async fn reseal(
        &self,
        org: OrgId,
        column: SecretColumn,
        old: StoredSecret,
        new: EncryptedSecret,
    ) -> Result<bool, StoreError> {
        write!(self, any(org), c => key_rotation::reseal(c, org, column, old, new).await)
    }
}
