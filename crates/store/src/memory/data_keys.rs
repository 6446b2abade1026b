use async_trait::async_trait;
use runloom_domain::OrgId;

use super::MemoryStore;
use crate::{DataKeyRecord, DataKeys, StoreError};

#[async_trait]
impl DataKeys for MemoryStore {
    async fn data_key(
        &self,
        org: OrgId,
        key_version: u32,
    ) -> Result<Option<DataKeyRecord>, StoreError> {
        Ok(self.state().data_keys.get(&(org, key_version)).cloned())
    }

    async fn newest_data_key(&self, org: OrgId) -> Result<Option<DataKeyRecord>, StoreError> {
        let state = self.state();
        let mut keys = state.data_keys.range((org, 0)..=(org, u32::MAX));
        Ok(keys.next_back().map(|(_, key)| key.clone()))
    }

    async fn add_data_key(&self, new: DataKeyRecord) -> Result<DataKeyRecord, StoreError> {
        let mut state = self.state();
        let place = state.data_keys.entry((new.org_id, new.key_version));
        Ok(place.or_insert(new).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use runloom_domain::{SystemClock, Timestamp};

    use super::*;
    use crate::WrappedKey;

    fn key(org_id: OrgId, key_version: u32, byte: u8) -> DataKeyRecord {
        DataKeyRecord {
            org_id,
            key_version,
            wrapped: WrappedKey {
                master_key_id: "m".to_owned(),
                bytes: vec![byte],
            },
            created_at: Timestamp::from_micros(i64::from(byte)),
        }
    }

    #[tokio::test]
    async fn the_first_key_of_a_version_stays_and_is_its_organisations() {
        let store = MemoryStore::new(Arc::new(SystemClock));
        let [one, other] = [1, 2].map(|at| OrgId::generate(Timestamp::from_micros(at)));
        assert_eq!(store.newest_data_key(one).await.unwrap(), None);
        let first = store.add_data_key(key(one, 1, 7)).await.unwrap();
        assert_eq!(first, key(one, 1, 7));
        assert_eq!(store.add_data_key(key(one, 1, 8)).await.unwrap(), first);
        store.add_data_key(key(one, 10, 9)).await.unwrap();
        store.add_data_key(key(other, 11, 9)).await.unwrap();
        let newest = store.newest_data_key(one).await.unwrap().unwrap();
        assert_eq!(newest.key_version, 10);
        assert_eq!(store.data_key(one, 1).await.unwrap(), Some(first));
        assert_eq!(store.data_key(other, 1).await.unwrap(), None);
    }
}
