//! Changing the keys that secrets are encrypted with.

use async_trait::async_trait;
use runloom_domain::{EncryptedSecret, OrgId};
use runloom_store::{DataKey, KeyRotation, SecretColumn, StoreError, StoredSecret};

use crate::sqlite::queries::key_rotation;
use crate::sqlite::{SqliteStore, done};

#[async_trait]
impl KeyRotation for SqliteStore {
    async fn org_ids(&self, after: Option<OrgId>, limit: u32) -> Result<Vec<OrgId>, StoreError> {
        self.read(move |c| done(key_rotation::org_ids(c, after, limit)))
            .await
    }

    async fn data_keys(&self, org: OrgId) -> Result<Vec<DataKey>, StoreError> {
        self.read(move |c| done(key_rotation::data_keys(c, org)))
            .await
    }

    async fn rewrap_data_key(&self, key: DataKey, old_master: &str) -> Result<bool, StoreError> {
        let old_master = old_master.to_owned();
        self.write(move |c| done(key_rotation::rewrap(c, key, old_master)))
            .await
    }

    async fn secrets_below(
        &self,
        org: OrgId,
        column: SecretColumn,
        key_version: u32,
        limit: u32,
    ) -> Result<Vec<StoredSecret>, StoreError> {
        self.read(move |c| {
            done(key_rotation::secrets_below(
                c,
                org,
                column,
                key_version,
                limit,
            ))
        })
        .await
    }

    async fn reseal(
        &self,
        org: OrgId,
        column: SecretColumn,
        old: StoredSecret,
        new: EncryptedSecret,
    ) -> Result<bool, StoreError> {
        self.write(move |c| done(key_rotation::reseal(c, org, column, old, new)))
            .await
    }
}
