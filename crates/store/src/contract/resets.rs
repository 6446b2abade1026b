//! Tokens by which people who have forgotten their passwords get new ones.

use std::time::Duration;

use runloom_domain::{OrgId, UserId};

use super::Harness;
use super::fixtures::{Tenant, done, idempotency, now, someone, tenant};
use crate::{CreateReset, NewReset, Once};

const HOUR: Duration = Duration::from_hours(1);

fn new_reset(user: UserId, org: Option<OrgId>, token: u8) -> NewReset {
    NewReset {
        user_id: user,
        org_id: org,
        token_hash: [token; 32],
        created_at: now(),
        expires_at: now() + HOUR,
    }
}

async fn create(h: &Harness, new: NewReset) -> CreateReset {
    done(h.store().create_reset(new, None, someone()).await.unwrap())
}

async fn spend(h: &Harness, token: u8, hash: &str) -> Option<UserId> {
    let used = h
        .store()
        .use_reset([token; 32], hash.to_owned(), now(), someone());
    used.await.unwrap()
}

async fn password_of(h: &Harness, tenant: &Tenant) -> String {
    let found = h.store().login_of(tenant.user).await.unwrap();
    found.unwrap().password_hash
}

/// A token is used once, until it ends or a later one takes its place.
pub async fn a_reset_is_used_once(h: &Harness) {
    let tenant = tenant(h).await;
    let (user, org) = (tenant.user, Some(tenant.org));
    assert_eq!(
        create(h, new_reset(user, None, 1)).await,
        CreateReset::Created
    );
    assert_eq!(
        create(h, new_reset(user, org, 2)).await,
        CreateReset::Created
    );
    let has = async |token: u8, at| h.store().has_reset([token; 32], at).await.unwrap();
    assert!(!has(1, now()).await, "a later one took its place");
    assert!(has(2, now()).await);
    assert!(!has(2, now() + HOUR).await);
    let late = h
        .store()
        .use_reset([2; 32], "late".to_owned(), now() + HOUR, someone());
    assert_eq!(late.await.unwrap(), None);
    assert_eq!(
        create(h, new_reset(user, org, 3)).await,
        CreateReset::Created
    );
    for wrong in [1, 9] {
        assert_eq!(spend(h, wrong, "wrong").await, None);
    }
    assert_eq!(spend(h, 3, "new").await, Some(user));
    assert_eq!(spend(h, 3, "again").await, None);
    assert_eq!(password_of(h, &tenant).await, "new");
    let known = h.store().login_of(user).await.unwrap().unwrap();
    assert!(known.signed_out_at.is_some(), "all sessions have ended");
}

/// An organisation resets passwords of its own members, and a repeated call makes no second token.
pub async fn a_reset_is_for_a_member(h: &Harness) {
    let (own, other) = (tenant(h).await, tenant(h).await);
    let strange = new_reset(other.user, Some(own.org), 1);
    assert_eq!(create(h, strange).await, CreateReset::NotAMember);
    let nobody = new_reset(UserId::generate(now()), Some(own.org), 1);
    assert_eq!(create(h, nobody).await, CreateReset::NotAMember);
    assert!(!h.store().has_reset([1; 32], now()).await.unwrap());
    let once = idempotency(&own, "reset");
    let new = new_reset(own.user, Some(own.org), 2);
    let first = h
        .store()
        .create_reset(new, Some(once.clone()), someone())
        .await;
    assert_eq!(first.unwrap(), Once::Done(CreateReset::Created));
    let new = new_reset(own.user, Some(own.org), 3);
    let again = h
        .store()
        .create_reset(new, Some(once.clone()), someone())
        .await;
    assert_eq!(again.unwrap(), Once::Replayed(once.answer));
    assert!(!h.store().has_reset([3; 32], now()).await.unwrap());
    assert_eq!(spend(h, 2, "new").await, Some(own.user));
    assert_ne!(password_of(h, &other).await, "new");
}
