//! API keys.

use std::time::Duration;

use runloom_domain::ApiKeyId;

use super::Harness;
use super::fixtures::{done, first_page, new_api_key, next_page, now, someone, tenant};
use crate::{NewApiKey, StoreError};

/// A key comes back as it was made, with its owner, by its public id and in the list.
pub async fn a_key_is_made_and_found(h: &Harness) {
    let tenant = tenant(h).await;
    let expires_at = Some(now() + Duration::from_hours(1));
    let new = NewApiKey {
        name: "the “big” one".to_owned(),
        secret_hash: std::array::from_fn(|n| n as u8 + 200),
        expires_at,
        ..new_api_key(&tenant)
    };
    done(
        h.store()
            .create_api_key(new.clone(), None, someone())
            .await
            .unwrap(),
    );
    let found = h
        .store()
        .find_api_key(&new.public_id)
        .await
        .unwrap()
        .unwrap();
    let page = h
        .store()
        .api_keys(tenant.org, None, first_page(9))
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    for key in [&found, &page.items[0]] {
        assert_eq!(
            (key.api_key_id, &key.public_id),
            (new.api_key_id, &new.public_id)
        );
        assert_eq!(
            (key.secret_hash, &key.scopes),
            (new.secret_hash, &new.scopes)
        );
        assert_eq!((&key.name, key.expires_at), (&new.name, expires_at));
        assert_eq!((key.created_at, key.last_used_at), (new.created_at, None));
        assert_eq!(
            (key.owner.user_id, key.owner.org_id),
            (tenant.user, tenant.org)
        );
        assert_eq!(key.owner.login, tenant.login);
    }
    assert!(h.store().find_api_key("unknown0").await.unwrap().is_none());
}

/// A key that is over is still found: whoever checks it says so. One without scopes has none.
pub async fn an_expired_key_is_found(h: &Harness) {
    let tenant = tenant(h).await;
    let past = now();
    let new = NewApiKey {
        expires_at: Some(past),
        scopes: vec![],
        ..new_api_key(&tenant)
    };
    let public_id = new.public_id.clone();
    done(
        h.store()
            .create_api_key(new, None, someone())
            .await
            .unwrap(),
    );
    let found = h.store().find_api_key(&public_id).await.unwrap().unwrap();
    assert_eq!((found.expires_at, found.scopes), (Some(past), vec![]));
}

/// A public id is given once, also when its key has been revoked.
pub async fn a_public_id_is_given_once(h: &Harness) {
    let tenant = tenant(h).await;
    let first = new_api_key(&tenant);
    let again = NewApiKey {
        public_id: first.public_id.clone(),
        ..new_api_key(&tenant)
    };
    let id = first.api_key_id;
    done(
        h.store()
            .create_api_key(first, None, someone())
            .await
            .unwrap(),
    );
    for _ in 0..2 {
        let refused = h
            .store()
            .create_api_key(again.clone(), None, someone())
            .await;
        assert!(
            matches!(refused, Err(StoreError::Rejected(_))),
            "{refused:?}"
        );
        h.store()
            .revoke_api_key(tenant.org, None, id, now(), someone())
            .await
            .unwrap();
    }
}

/// A revoked key is absent at once; revoking it again, or with another owner, finds nothing.
pub async fn a_revoked_key_is_absent(h: &Harness) {
    let (tenant, other) = (tenant(h).await, tenant(h).await);
    let new = new_api_key(&tenant);
    let (id, public_id) = (new.api_key_id, new.public_id.clone());
    done(
        h.store()
            .create_api_key(new, None, someone())
            .await
            .unwrap(),
    );
    let revoke = |owner, key| {
        let (store, org) = (h.store(), tenant.org);
        async move {
            store
                .revoke_api_key(org, owner, key, now(), someone())
                .await
                .unwrap()
        }
    };
    assert!(!revoke(Some(other.user), id).await);
    assert!(!revoke(None, ApiKeyId::generate(now())).await);
    assert!(h.store().find_api_key(&public_id).await.unwrap().is_some());
    assert!(revoke(Some(tenant.user), id).await);
    assert!(!revoke(None, id).await);
    assert!(h.store().find_api_key(&public_id).await.unwrap().is_none());
    let page = h
        .store()
        .api_keys(tenant.org, None, first_page(9))
        .await
        .unwrap();
    assert!(page.items.is_empty());
}

/// The time of use is kept, to the minute at least; an unknown key is none to touch.
pub async fn a_used_key_is_touched(h: &Harness) {
    let tenant = tenant(h).await;
    let new = new_api_key(&tenant);
    let (id, public_id) = (new.api_key_id, new.public_id.clone());
    done(
        h.store()
            .create_api_key(new, None, someone())
            .await
            .unwrap(),
    );
    for hours in [1, 3] {
        let at = now() + Duration::from_hours(hours);
        h.store().touch_api_key(tenant.org, id, at).await.unwrap();
        let found = h.store().find_api_key(&public_id).await.unwrap().unwrap();
        let used = found.last_used_at.unwrap();
        assert!(
            at.since(used) <= Duration::from_mins(1) && used <= at,
            "{used} is not {at}"
        );
    }
    let unknown = ApiKeyId::generate(now());
    h.store()
        .touch_api_key(tenant.org, unknown, now())
        .await
        .unwrap();
}

/// Lists are of an organisation or of one owner in it, newest first, in pages.
pub async fn keys_are_listed(h: &Harness) {
    let (tenant, other) = (tenant(h).await, tenant(h).await);
    let mut expected = Vec::new();
    for _ in 0..3 {
        let new = new_api_key(&tenant);
        expected.insert(0, new.api_key_id);
        done(
            h.store()
                .create_api_key(new, None, someone())
                .await
                .unwrap(),
        );
    }
    let list = |org, owner, page| {
        let store = h.store();
        async move { store.api_keys(org, owner, page).await.unwrap() }
    };
    let ids = |keys: &[crate::ApiKeyRecord]| keys.iter().map(|k| k.api_key_id).collect::<Vec<_>>();
    let first = list(tenant.org, Some(tenant.user), first_page(2)).await;
    assert_eq!(ids(&first.items), expected[..2]);
    let newer = new_api_key(&tenant);
    done(
        h.store()
            .create_api_key(newer, None, someone())
            .await
            .unwrap(),
    );
    let last = list(tenant.org, Some(tenant.user), next_page(&first, 2)).await;
    assert_eq!(
        (ids(&last.items), last.next),
        (expected[2..].to_vec(), None)
    );
    assert!(
        list(tenant.org, Some(other.user), first_page(9))
            .await
            .items
            .is_empty()
    );
    assert!(list(other.org, None, first_page(9)).await.items.is_empty());
}
