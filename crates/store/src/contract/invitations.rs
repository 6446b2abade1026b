//! Invitations: each for one e-mail address, for a while, and once.

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{OrgId, OrgRole, Timestamp};
use tokio::sync::Barrier;

use super::Harness;
use super::fixtures::{
    Tenant, colleague, done, first_page, idempotency, new_account, new_invitation, next_page, now,
    someone, tenant,
};
use crate::{Join, NewAccount, Once, PresentedInvitation};

fn presented(org_id: OrgId, token_hash: [u8; 32], at: Timestamp) -> PresentedInvitation {
    PresentedInvitation {
        org_id,
        token_hash,
        at,
    }
}

async fn invite(h: &Harness, by: &Tenant, email: &str, role: OrgRole) -> [u8; 32] {
    let (new, token) = new_invitation(by, email, role);
    assert!(done(
        h.store().invite(new, token, None, someone()).await.unwrap()
    ));
    token
}

async fn accept(h: &Harness, org: OrgId, token: [u8; 32], person: &Tenant) -> Join {
    let accepted =
        h.store()
            .accept_invitation(presented(org, token, now()), person.user, None, someone());
    done(accepted.await.unwrap())
}

/// Invitations are listed until they are accepted or taken back; one e-mail address has one.
pub async fn invitations_are_kept_until_used(h: &Harness) {
    let (owner, stranger) = (tenant(h).await, tenant(h).await);
    let old = invite(h, &owner, "grace@example.org", OrgRole::Viewer).await;
    let other = invite(h, &owner, "edsger@example.org", OrgRole::Member).await;
    let once = idempotency(&owner, "POST /invitations");
    let (newer, token) = new_invitation(&owner, "Grace@Example.org", OrgRole::Admin);
    let invited = h
        .store()
        .invite(newer.clone(), token, Some(once.clone()), someone())
        .await
        .unwrap();
    assert!(done(invited));
    let again = h
        .store()
        .invite(newer.clone(), token, Some(once.clone()), someone())
        .await
        .unwrap();
    assert_eq!(again, Once::Replayed(once.answer));

    let list = async |org, page| h.store().invitations(org, page).await.unwrap();
    let first = list(owner.org, first_page(1)).await;
    assert_eq!(first.items, std::slice::from_ref(&newer));
    let last = list(owner.org, next_page(&first, 1)).await;
    assert_eq!(
        (last.items[0].email.as_str(), last.next),
        ("edsger@example.org", None)
    );
    assert!(list(stranger.org, first_page(9)).await.items.is_empty());

    let find = async |org, token, at| {
        let found = h.store().invitation(presented(org, token, at)).await;
        found.unwrap().map(|record| record.invitation_id)
    };
    assert_eq!(
        find(owner.org, token, now()).await,
        Some(newer.invitation_id)
    );
    assert_eq!(
        find(owner.org, old, now()).await,
        None,
        "another has taken its place"
    );
    assert_eq!(find(stranger.org, token, now()).await, None);
    let before_its_end = Timestamp::from_micros(newer.expires_at.as_micros() - 1);
    assert!(find(owner.org, token, before_its_end).await.is_some());
    assert_eq!(find(owner.org, token, newer.expires_at).await, None);

    let id = last.items[0].invitation_id;
    let withdraw = async |org| {
        h.store()
            .withdraw_invitation(org, id, someone())
            .await
            .unwrap()
    };
    assert!(!withdraw(stranger.org).await);
    assert!(withdraw(owner.org).await);
    assert!(!withdraw(owner.org).await);
    assert_eq!(find(owner.org, other, now()).await, None);
}

/// The person of the address joins, with the invitation's role, and once. A member isn't invited.
pub async fn an_invitation_is_for_one_person(h: &Harness) {
    let (owner, guest, other) = (tenant(h).await, tenant(h).await, tenant(h).await);
    let token = invite(h, &owner, &guest.email.to_uppercase(), OrgRole::Viewer).await;
    assert_eq!(
        accept(h, owner.org, token, &other).await,
        Join::NoInvitation
    );
    assert_eq!(
        accept(h, other.org, token, &guest).await,
        Join::NoInvitation
    );
    let late = now() + Duration::from_hours(24 * 365);
    let late = presented(owner.org, token, late);
    let late = h
        .store()
        .accept_invitation(late, guest.user, None, someone())
        .await
        .unwrap();
    assert_eq!(done(late), Join::NoInvitation);

    let once = idempotency(&guest, "POST /invitations:accept");
    let accept_once = async || {
        let presented = presented(owner.org, token, now());
        let accepted =
            h.store()
                .accept_invitation(presented, guest.user, Some(once.clone()), someone());
        accepted.await.unwrap()
    };
    assert_eq!(done(accept_once().await), Join::Joined);
    assert_eq!(accept_once().await, Once::Replayed(once.answer.clone()));
    assert_eq!(
        accept(h, owner.org, token, &guest).await,
        Join::NoInvitation
    );
    let joined = h
        .store()
        .member(owner.org, guest.user)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(joined.role, OrgRole::Viewer);
    let home = h
        .store()
        .member(guest.org, guest.user)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(home.role, OrgRole::Owner);
    let (new, token) = new_invitation(&owner, &guest.email, OrgRole::Admin);
    assert!(!done(
        h.store().invite(new, token, None, someone()).await.unwrap()
    ));

    // Somebody who has joined by another way keeps their role, and the invitation.
    let second = new_account();
    let token = invite(h, &owner, &second.email, OrgRole::Admin).await;
    let member = NewAccount {
        org_id: owner.org,
        role: OrgRole::Viewer,
        ..second
    };
    let second = Tenant {
        org: owner.org,
        user: member.user_id,
        login: member.login.clone(),
        email: member.email.clone(),
    };
    done(
        h.store()
            .create_account(member, None, someone())
            .await
            .unwrap(),
    );
    assert_eq!(accept(h, owner.org, token, &second).await, Join::Member);
    assert!(
        h.store()
            .invitation(presented(owner.org, token, now()))
            .await
            .unwrap()
            .is_some()
    );
}

/// Somebody registers by an invitation for their address and has no other organisation.
pub async fn a_person_registers_by_invitation(h: &Harness) {
    let owner = tenant(h).await;
    let new = new_account();
    let token = invite(h, &owner, &new.email, OrgRole::Member).await;
    let register = async |new: NewAccount, org, once| {
        let registered =
            h.store()
                .register_invited(new, presented(org, token, now()), once, someone());
        registered.await.unwrap()
    };
    let elsewhere = NewAccount {
        email: format!("x{}", new.email),
        ..new.clone()
    };
    assert_eq!(
        done(register(elsewhere, owner.org, None).await),
        Join::NoInvitation
    );
    assert_eq!(
        done(register(new.clone(), new.org_id, None).await),
        Join::NoInvitation
    );
    let taken = NewAccount {
        login: owner.login.clone(),
        ..new.clone()
    };
    assert_eq!(done(register(taken, owner.org, None).await), Join::Taken);
    let once = idempotency(&owner, "POST /register");
    let joined = register(new.clone(), owner.org, Some(once.clone())).await;
    assert_eq!(done(joined), Join::Joined);
    let again = register(new.clone(), owner.org, Some(once.clone())).await;
    assert_eq!(again, Once::Replayed(once.answer));

    let found = h.store().find_login(&new.login).await.unwrap().unwrap();
    assert_eq!(found.org_id, Some(owner.org));
    let member = h.store().user(owner.org, new.user_id).await.unwrap();
    assert_eq!(member.unwrap().role, OrgRole::Member);
    assert_eq!(
        h.store()
            .orgs_of(new.user_id, first_page(9))
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    assert_eq!(h.store().org(new.org_id).await.unwrap(), None);
    let spent = NewAccount {
        email: new.email.clone(),
        ..new_account()
    };
    assert_eq!(
        done(register(spent, owner.org, None).await),
        Join::NoInvitation
    );
}

/// Of two who come with one token at the same moment one joins.
pub async fn an_invitation_is_used_once(h: &Harness) {
    let owner = tenant(h).await;
    for _ in 0..10 {
        let guest = colleague(h, &tenant(h).await, OrgRole::Viewer).await;
        let token = invite(h, &owner, &guest.email, OrgRole::Viewer).await;
        let start = Arc::new(Barrier::new(2));
        let attempts = [(); 2].map(|()| {
            let (store, start, user) = (h.shared(), Arc::clone(&start), guest.user);
            let presented = presented(owner.org, token, now());
            tokio::spawn(async move {
                start.wait().await;
                store
                    .accept_invitation(presented, user, None, someone())
                    .await
            })
        });
        let mut joined = 0;
        for attempt in attempts {
            match done(attempt.await.unwrap().unwrap()) {
                Join::Joined => joined += 1,
                other => assert_eq!(other, Join::NoInvitation),
            }
        }
        assert_eq!(joined, 1);
    }
}
