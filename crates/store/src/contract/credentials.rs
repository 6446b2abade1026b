//! Credentials of model providers.

use std::sync::Arc;

use runloom_domain::CredentialId;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    append_ok, credential, done, first_page, idempotency, new_credential, next_page, now, route,
    running_with, someone, stored_key, tenant,
};
use crate::{
    CredentialRecord, CredentialSettings, DeleteConfig, KeyConflict, NewCredential, Once,
    StoreError, Update,
};

/// A credential comes back as it was made, secret and all; also one with nothing but a name.
pub async fn a_credential_is_made_and_read(h: &mut Harness) {
    let tenant = tenant(h).await;
    let bare = NewCredential {
        settings: CredentialSettings {
            name: "the “small” one".to_owned(),
            base_url: None,
            key: None,
        },
        ..new_credential(&tenant)
    };
    let mut unshown = new_credential(&tenant);
    unshown.settings.key.as_mut().unwrap().prefix = None;
    let made = [new_credential(&tenant), bare, unshown];
    for new in &made {
        done(
            h.store()
                .create_credential(new.clone(), None, someone())
                .await
                .unwrap(),
        );
    }
    for _ in 0..2 {
        for new in &made {
            let found = h.store().credential(tenant.org, new.credential_id).await;
            assert_eq!(found.unwrap(), Some(CredentialRecord::from(new.clone())));
        }
        if !h.reopen().await {
            return;
        }
    }
}

/// Lists go newest first, in pages.
pub async fn credentials_are_listed(h: &Harness) {
    let tenant = tenant(h).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.insert(0, credential(h, &tenant).await);
    }
    let list = |page| {
        let (store, org) = (h.store(), tenant.org);
        async move { store.credentials(org, page).await.unwrap() }
    };
    let ids = |rows: &[CredentialRecord]| rows.iter().map(|r| r.credential_id).collect::<Vec<_>>();
    let first = list(first_page(2)).await;
    assert_eq!(ids(&first.items), expected[..2]);
    credential(h, &tenant).await;
    let last = list(next_page(&first, 2)).await;
    assert_eq!(
        (ids(&last.items), last.next),
        (expected[2..].to_vec(), None)
    );
}

/// A change replaces what is there, raises the version, and wants to be of the version it knows.
pub async fn a_credential_is_changed(h: &Harness) {
    let tenant = tenant(h).await;
    let new = new_credential(&tenant);
    let (org, id) = (tenant.org, new.credential_id);
    done(
        h.store()
            .create_credential(new.clone(), None, someone())
            .await
            .unwrap(),
    );
    let settings = CredentialSettings {
        name: "other".to_owned(),
        base_url: None,
        key: Some(stored_key(2)),
    };
    let at = now();
    let update = |id, expected, settings: &CredentialSettings| {
        let (store, settings) = (h.store(), settings.clone());
        async move {
            let updated = store.update_credential(org, id, expected, settings, at, someone());
            updated.await.unwrap()
        }
    };
    let expected = CredentialRecord {
        settings: settings.clone(),
        version: 2,
        updated_at: at,
        ..CredentialRecord::from(new)
    };
    assert_eq!(
        update(id, 1, &settings).await,
        Update::Done(expected.clone())
    );
    assert_eq!(update(id, 1, &settings).await, Update::Stale);
    assert_eq!(h.store().credential(org, id).await.unwrap(), Some(expected));
    let keyless = CredentialSettings {
        key: None,
        ..settings
    };
    let Update::Done(changed) = update(id, 2, &keyless).await else {
        panic!("the version is right");
    };
    assert_eq!((changed.version, changed.settings), (3, keyless.clone()));
    let unknown = CredentialId::generate(now());
    assert_eq!(update(unknown, 1, &keyless).await, Update::Absent);
}

/// Of changes that know the same version one counts.
pub async fn one_of_racing_changes_counts(h: &Harness) {
    const RACERS: usize = 8;
    let tenant = tenant(h).await;
    let id = credential(h, &tenant).await;
    let barrier = Arc::new(Barrier::new(RACERS));
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let (store, barrier, org) = (h.shared(), Arc::clone(&barrier), tenant.org);
        let mut settings = new_credential(&tenant).settings;
        settings.name = racer.to_string();
        racers.spawn(async move {
            barrier.wait().await;
            store
                .update_credential(org, id, 1, settings, now(), someone())
                .await
                .unwrap()
        });
    }
    let outcomes = racers.join_all().await;
    let done: Vec<_> = outcomes
        .iter()
        .filter(|o| matches!(o, Update::Done(_)))
        .collect();
    assert_eq!(done.len(), 1, "{outcomes:?}");
    let found = h.store().credential(tenant.org, id).await.unwrap().unwrap();
    assert_eq!(*done[0], Update::Done(found));
    assert!(outcomes.iter().all(|o| o == done[0] || *o == Update::Stale));
}

/// A credential goes when nothing needs it: no route, and no run that froze it.
pub async fn a_credential_in_use_stays(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, id) = (tenant.org, credential(h, &tenant).await);
    let delete = |expected| {
        let store = h.store();
        async move {
            store
                .delete_credential(org, id, expected, someone())
                .await
                .unwrap()
        }
    };
    let route = route(h, &tenant, id, None).await;
    let run = running_with(h, &tenant, id).await;
    let other = credential(h, &tenant).await;
    running_with(h, &tenant, other).await;
    assert_eq!(delete(Some(2)).await, DeleteConfig::Stale);
    assert_eq!(
        delete(Some(1)).await,
        DeleteConfig::InUse { routes: 1, runs: 1 }
    );
    let deleted = h
        .store()
        .delete_route(org, route, None, someone())
        .await
        .unwrap();
    assert_eq!(deleted, DeleteConfig::Deleted);
    assert_eq!(
        delete(None).await,
        DeleteConfig::InUse { routes: 0, runs: 1 }
    );
    append_ok(h, run.completion()).await;
    assert_eq!(delete(Some(1)).await, DeleteConfig::Deleted);
    assert_eq!(delete(None).await, DeleteConfig::Absent);
    assert_eq!(h.store().credential(org, id).await.unwrap(), None);
    let left = h.store().credentials(org, first_page(9)).await.unwrap();
    assert_eq!(left.items.len(), 1);
}

/// Twins with one idempotency key make one credential.
pub async fn twins_make_one_credential(h: &Harness) {
    const TWINS: usize = 6;
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /llm-credentials");
    let barrier = Arc::new(Barrier::new(TWINS));
    let mut twins = JoinSet::new();
    for _ in 0..TWINS {
        let (store, barrier) = (h.shared(), Arc::clone(&barrier));
        let (new, once) = (new_credential(&tenant), once.clone());
        twins.spawn(async move {
            barrier.wait().await;
            store
                .create_credential(new, Some(once), someone())
                .await
                .unwrap()
        });
    }
    let mut made = 0;
    for answer in twins.join_all().await {
        match answer {
            Once::Done(()) => made += 1,
            Once::Replayed(answer) => assert_eq!(answer, once.answer),
            Once::Conflict(KeyConflict::InProgress) => {}
            other @ Once::Conflict(_) => panic!("a twin can't come to {other:?}"),
        }
    }
    let all = h
        .store()
        .credentials(tenant.org, first_page(9))
        .await
        .unwrap();
    assert_eq!((made, all.items.len()), (1, 1));
}

/// What can't be stored is refused whole.
pub async fn a_bad_credential_is_refused(h: &Harness) {
    let tenant = tenant(h).await;
    let mut bad = new_credential(&tenant);
    bad.settings.name.push('\0');
    let refused = h.store().create_credential(bad, None, someone()).await;
    assert!(
        matches!(refused, Err(StoreError::Rejected(_))),
        "{refused:?}"
    );
    let first = new_credential(&tenant);
    done(
        h.store()
            .create_credential(first.clone(), None, someone())
            .await
            .unwrap(),
    );
    let repeated = h.store().create_credential(first, None, someone()).await;
    assert!(
        matches!(repeated, Err(StoreError::Rejected(_))),
        "{repeated:?}"
    );
    let all = h
        .store()
        .credentials(tenant.org, first_page(9))
        .await
        .unwrap();
    assert_eq!(all.items.len(), 1);
}
