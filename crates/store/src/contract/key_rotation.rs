//! Changing the keys that secrets are encrypted with.

use runloom_domain::{EncryptedSecret, McpServerId, OrgId};

use super::Harness;
use super::fixtures::{
    Tenant, credential, done, http_tool, new_mcp_server, now, someone, stored_key, tenant,
};
use crate::{DataKey, McpAuth, SecretColumn, StoredSecret};

/// Every organisation is found, whatever the size of a page.
pub async fn organisations_are_walked(h: &Harness) {
    let made = [tenant(h).await, tenant(h).await, tenant(h).await];
    let mut seen: Vec<OrgId> = Vec::new();
    loop {
        let after = seen.last().copied();
        let page = h.store().org_ids(after, 2).await.unwrap();
        assert!(page.len() <= 2, "{page:?}");
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert!(seen.is_sorted(), "{seen:?}");
    for tenant in &made {
        let times = seen.iter().filter(|id| **id == tenant.org).count();
        assert_eq!(times, 1, "{seen:?}");
    }
}

/// A data key is wrapped anew once, by whoever is first.
pub async fn a_data_key_is_rewrapped_once(h: &Harness) {
    let [owner, stranger] = [tenant(h).await, tenant(h).await];
    let key = |tenant: &Tenant, key_version, master: &str, byte| DataKey {
        org_id: tenant.org,
        key_version,
        wrapped: vec![byte],
        master_key_id: master.to_owned(),
        created_at: now(),
    };
    let (first, second) = (key(&owner, 1, "m1", 1), key(&owner, 2, "m1", 2));
    for key in [&first, &second, &key(&stranger, 1, "m1", 3)] {
        assert!(h.store().create_data_key(key.clone()).await.unwrap());
    }
    let rewrapped = DataKey {
        wrapped: vec![9],
        master_key_id: "m2".to_owned(),
        ..first
    };
    for expected in [true, false] {
        let done = h.store().rewrap_data_key(rewrapped.clone(), "m1").await;
        assert_eq!(done.unwrap(), expected);
    }
    let keys = h.store().data_keys(owner.org).await.unwrap();
    assert_eq!(keys, [rewrapped, second]);
    let others = h.store().data_keys(stranger.org).await.unwrap();
    assert_eq!((others.len(), &others[0].wrapped[..]), (1, &[3][..]));
}

/// A secret takes a new form if it is still the one that was read; others stay as they are.
pub async fn secrets_are_resealed_where_they_are(h: &Harness) {
    let [owner, stranger] = [tenant(h).await, tenant(h).await];
    for tenant in [&owner, &stranger] {
        credential(h, tenant).await;
        http_tool(h, tenant, "look").await;
        bearer_server(h, tenant).await;
    }
    for column in SecretColumn::ALL {
        let before = below(h, owner.org, column, 9).await;
        let [old] = &before[..] else {
            panic!("{column:?}: {before:?}");
        };
        let version = old.secret.key_version;
        assert_eq!(below(h, owner.org, column, version).await, []);
        assert_eq!(below(h, owner.org, column, version + 1).await, before);

        let new = EncryptedSecret {
            key_version: 8,
            nonce: [7; 12],
            ciphertext: vec![column as u8, 1, 2],
        };
        let reseal = |org, old: &StoredSecret| {
            let (old, new) = (old.clone(), new.clone());
            async move { h.store().reseal(org, column, old, new).await.unwrap() }
        };
        assert!(!reseal(stranger.org, old).await, "{column:?}");
        assert!(reseal(owner.org, old).await, "{column:?}");
        assert!(!reseal(owner.org, old).await, "{column:?}");

        assert_eq!(below(h, owner.org, column, 8).await, []);
        let after = below(h, owner.org, column, 9).await;
        let row = old.row;
        assert_eq!(after, [StoredSecret { row, secret: new }], "{column:?}");
        let others = below(h, stranger.org, column, 9).await;
        assert_eq!(others.len(), 1, "{column:?}");
        assert_eq!(others[0].secret, old.secret, "{column:?}");
    }
}

async fn below(
    h: &Harness,
    org: OrgId,
    column: SecretColumn,
    key_version: u32,
) -> Vec<StoredSecret> {
    let found = h.store().secrets_below(org, column, key_version, 10).await;
    found.unwrap()
}

async fn bearer_server(h: &Harness, tenant: &Tenant) -> McpServerId {
    let mut new = new_mcp_server(tenant, "near");
    new.settings.auth = McpAuth::Bearer(stored_key(3).secret);
    let id = new.server_id;
    let created = h
        .store()
        .create_mcp_server(new, None, someone())
        .await
        .unwrap();
    assert_eq!(done(created), Ok(()));
    id
}
