use std::fmt;

use async_trait::async_trait;
use runloom_domain::{OrgId, Timestamp};

use crate::StoreError;

/// A key that secrets of one organisation are encrypted with, itself encrypted by the
/// deployment's master key.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey {
    /// Whose secrets.
    pub org_id: OrgId,
    /// Its number, from 1; secrets name it.
    pub key_version: u32,
    /// The encrypted key.
    pub wrapped: Vec<u8>,
    /// Which master key it is encrypted by.
    pub master_key_id: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey")
            .field("org_id", &self.org_id)
            .field("key_version", &self.key_version)
            .field("master_key_id", &self.master_key_id)
            .finish_non_exhaustive()
    }
}

/// The data keys of organisations. A key that is there never changes.
#[async_trait]
pub trait DataKeys: Send + Sync + 'static {
    /// Stores a data key; false when the organisation has one of that version, which stays.
    async fn create_data_key(&self, key: DataKey) -> Result<bool, StoreError>;

    /// Reads a data key, the newest when no version is given.
    async fn data_key(
        &self,
        org: OrgId,
        version: Option<u32>,
    ) -> Result<Option<DataKey>, StoreError>;
}
