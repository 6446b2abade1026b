//! The keys that an organisation's secrets are encrypted with.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{Tenant, now, tenant};
use crate::DataKey;

fn new_key(tenant: &Tenant, key_version: u32) -> DataKey {
    DataKey {
        org_id: tenant.org,
        key_version,
        wrapped: vec![0, 255, key_version as u8],
        master_key_id: "m1".to_owned(),
        created_at: now(),
    }
}

/// Keys are read by their version, or the newest; each version is given once.
pub async fn a_data_key_is_made_once(h: &mut Harness) {
    let tenants = [tenant(h).await, tenant(h).await];
    let [owner, stranger] = &tenants;
    let keys = [new_key(owner, 1), new_key(owner, 2)];
    for key in &keys {
        assert!(h.store().create_data_key(key.clone()).await.unwrap());
    }
    let again = DataKey {
        wrapped: vec![9],
        ..new_key(owner, 1)
    };
    assert!(!h.store().create_data_key(again).await.unwrap());
    for _ in 0..2 {
        for (version, expected) in [
            (Some(1), Some(&keys[0])),
            (Some(2), Some(&keys[1])),
            (None, Some(&keys[1])),
            (Some(3), None),
        ] {
            let found = h.store().data_key(owner.org, version).await.unwrap();
            assert_eq!(found.as_ref(), expected, "{version:?}");
        }
        for version in [None, Some(1)] {
            assert_eq!(
                h.store().data_key(stranger.org, version).await.unwrap(),
                None
            );
        }
        if !h.reopen().await {
            return;
        }
    }
}

/// Of keys that are made at once one stays, and everybody reads that one.
pub async fn one_of_racing_data_keys_stays(h: &Harness) {
    const RACERS: usize = 8;
    let tenant = tenant(h).await;
    let barrier = Arc::new(Barrier::new(RACERS));
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let (store, barrier) = (h.shared(), Arc::clone(&barrier));
        let key = DataKey {
            wrapped: vec![racer as u8],
            ..new_key(&tenant, 1)
        };
        racers.spawn(async move {
            barrier.wait().await;
            let made = store.create_data_key(key.clone()).await.unwrap();
            let found = store.data_key(key.org_id, Some(1)).await.unwrap().unwrap();
            assert_eq!(made, found == key);
            found
        });
    }
    let found = racers.join_all().await;
    assert!(found.iter().all(|key| *key == found[0]), "{found:?}");
}
