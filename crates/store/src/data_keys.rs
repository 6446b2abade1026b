use async_trait::async_trait;
use runloom_domain::{OrgId, Timestamp};

use crate::StoreError;

/// A key as it is stored: encrypted by a master key, which the store doesn't know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which master key.
    pub master_key_id: String,
    /// The encrypted key, with what its decryption needs besides.
    pub bytes: Vec<u8>,
}

/// A key by which secrets of one organisation are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKeyRecord {
    /// The organisation.
    pub org_id: OrgId,
    /// Which of its keys, from 1.
    pub key_version: u32,
    /// The key.
    pub wrapped: WrappedKey,
    /// When.
    pub created_at: Timestamp,
}

/// The data keys of organisations. A key that is there never changes.
#[async_trait]
pub trait DataKeys: Send + Sync + 'static {
    /// The organisation's key of this version.
    async fn data_key(
        &self,
        org: OrgId,
        key_version: u32,
    ) -> Result<Option<DataKeyRecord>, StoreError>;

    /// The organisation's key of the highest version.
    async fn newest_data_key(&self, org: OrgId) -> Result<Option<DataKeyRecord>, StoreError>;

    /// Keeps a key unless the organisation has one of this version already. The answer is what
    /// is there then, so that of nodes that race for a version all get the same key.
    async fn add_data_key(&self, new: DataKeyRecord) -> Result<DataKeyRecord, StoreError>;
}
