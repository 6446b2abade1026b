use diesel::prelude::*;
use runloom_store::{DataKey, StoreError};

use super::unsigned;
use crate::schema::org_data_keys;
use crate::types::{At, Id};

/// A data key as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = org_data_keys)]
pub(crate) struct DataKeyRow {
    org_id: Id,
    key_version: i64,
    wrapped: Vec<u8>,
    master_key_id: String,
    created_at: At,
}

impl From<DataKey> for DataKeyRow {
    fn from(key: DataKey) -> Self {
        Self {
            org_id: key.org_id.into(),
            key_version: key.key_version.into(),
            wrapped: key.wrapped,
            master_key_id: key.master_key_id,
            created_at: At(key.created_at),
        }
    }
}

impl DataKeyRow {
    pub(crate) fn into_key(self) -> Result<DataKey, StoreError> {
        let (org, version) = (self.org_id, self.key_version);
        Ok(DataKey {
            org_id: org.into(),
            key_version: unsigned("org_data_keys", "key_version", org, version)?,
            wrapped: self.wrapped,
            master_key_id: self.master_key_id,
            created_at: self.created_at.0,
        })
    }
}
