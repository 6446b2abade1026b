use std::collections::btree_map::Entry;

use async_trait::async_trait;
use runloom_domain::OrgId;

use super::MemoryStore;
use crate::{DataKey, DataKeys, StoreError};

#[async_trait]
impl DataKeys for MemoryStore {
    async fn create_data_key(&self, key: DataKey) -> Result<bool, StoreError> {
        let mut state = self.state();
        match state.data_keys.entry((key.org_id, key.key_version)) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(place) => {
                place.insert(key);
                Ok(true)
            }
        }
    }

    async fn data_key(
        &self,
        org: OrgId,
        version: Option<u32>,
    ) -> Result<Option<DataKey>, StoreError> {
        let (first, last) = (version.unwrap_or(0), version.unwrap_or(u32::MAX));
        let state = self.state();
        let mut keys = state.data_keys.range((org, first)..=(org, last));
        Ok(keys.next_back().map(|(_, key)| key.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use runloom_domain::{SystemClock, Timestamp};

    use super::*;

    fn key(org_id: OrgId, key_version: u32, byte: u8) -> DataKey {
        DataKey {
            org_id,
            key_version,
            wrapped: vec![byte],
            master_key_id: "m".to_owned(),
            created_at: Timestamp::from_micros(1),
        }
    }

    #[tokio::test]
    async fn the_first_key_of_a_version_stays_and_is_its_organisations() {
        let store = MemoryStore::new(Arc::new(SystemClock));
        let [one, other] = [1, 2].map(|at| OrgId::generate(Timestamp::from_micros(at)));
        assert_eq!(store.data_key(one, None).await.unwrap(), None);
        assert!(store.create_data_key(key(one, 1, 7)).await.unwrap());
        assert!(!store.create_data_key(key(one, 1, 8)).await.unwrap());
        assert!(store.create_data_key(key(one, 10, 9)).await.unwrap());
        assert!(store.create_data_key(key(other, 11, 9)).await.unwrap());
        let (first, tenth) = (Some(key(one, 1, 7)), Some(key(one, 10, 9)));
        assert_eq!(store.data_key(one, Some(1)).await.unwrap(), first);
        assert_eq!(store.data_key(one, None).await.unwrap(), tenth);
        assert_eq!(store.data_key(other, Some(1)).await.unwrap(), None);
    }
}
