//! Who belongs to an organisation: members, service accounts, and owners who can't all go.

use std::sync::Arc;

use runloom_domain::{OrgId, OrgRole, UserId, UserKind};
use tokio::sync::Barrier;

use super::Harness;
use super::fixtures::{
    Tenant, colleague, done, first_page, idempotency, new_account, new_api_key, new_invitation,
    new_service, next_page, now, someone, tenant,
};
use crate::{ChangeMember, MemberPatch, MemberRecord, Store};

/// How often each race is run.
const ROUNDS: usize = 10;

fn to(role: OrgRole) -> MemberPatch {
    MemberPatch {
        role: Some(role),
        ..MemberPatch::default()
    }
}

async fn change(
    h: &Harness,
    org: OrgId,
    user: UserId,
    role: OrgRole,
) -> ChangeMember<MemberRecord> {
    let store = h.store();
    let changed = store.change_member(org, user, to(role), OrgRole::Owner, someone());
    changed.await.unwrap()
}

async fn remove(h: &Harness, org: OrgId, user: UserId) -> ChangeMember<()> {
    let removed = h
        .store()
        .remove_member(org, user, OrgRole::Owner, someone());
    removed.await.unwrap()
}

/// Members are read one by one and in pages, people and service accounts apart if that is wanted.
pub async fn members_are_listed(h: &Harness) {
    let (owner, stranger) = (tenant(h).await, tenant(h).await);
    let second = colleague(h, &owner, OrgRole::Viewer).await;
    let service = new_service(&owner, OrgRole::Member);
    done(
        h.store()
            .create_service(service.clone(), None, someone())
            .await
            .unwrap(),
    );
    let ids = |members: &[MemberRecord]| members.iter().map(|m| m.user_id).collect::<Vec<_>>();
    let list = async |kind, page| h.store().members(owner.org, kind, page).await.unwrap();

    let first = list(None, first_page(2)).await;
    assert_eq!(ids(&first.items), [service.user_id, second.user]);
    let last = list(None, next_page(&first, 2)).await;
    assert_eq!((ids(&last.items), last.next), (vec![owner.user], None));
    let services = list(Some(UserKind::Service), first_page(9)).await.items;
    let people = list(Some(UserKind::Person), first_page(9)).await.items;
    assert_eq!(ids(&people), [second.user, owner.user]);
    assert_eq!(people[0].email.as_ref(), Some(&second.email));
    let expected = MemberRecord {
        user_id: service.user_id,
        login: service.name,
        email: None,
        kind: UserKind::Service,
        role: OrgRole::Member,
        created_at: service.created_at,
    };
    assert_eq!(services, std::slice::from_ref(&expected));
    let member = async |org, user| h.store().member(org, user).await.unwrap();
    assert_eq!(member(owner.org, service.user_id).await, Some(expected));
    assert_eq!(member(stranger.org, service.user_id).await, None);
    assert_eq!(member(owner.org, stranger.user).await, None);
}

/// Nobody can log in as a service account, whatever its name is; it may have keys.
pub async fn a_service_account_has_keys_and_no_login(h: &Harness) {
    let owner = tenant(h).await;
    let service = new_service(&owner, OrgRole::Member);
    let (org, user, name) = (owner.org, service.user_id, owner.login.clone());
    let once = idempotency(&owner, "POST /service-accounts");
    let create = async |user_id| {
        let new = crate::NewService {
            user_id,
            name: name.clone(),
            ..service.clone()
        };
        h.store()
            .create_service(new, Some(once.clone()), someone())
            .await
            .unwrap()
    };
    done(create(user).await);
    let again = create(UserId::generate(now())).await;
    assert_eq!(again, crate::Once::Replayed(once.answer.clone()));
    let found = h.store().find_login(&name).await.unwrap().unwrap();
    assert_eq!(found.user_id, owner.user);
    assert!(h.store().find_login("").await.unwrap().is_none());

    let key = crate::NewApiKey {
        user_id: user,
        ..new_api_key(&owner)
    };
    let public_id = key.public_id.clone();
    done(
        h.store()
            .create_api_key(key, None, someone())
            .await
            .unwrap(),
    );
    let key = h.store().find_api_key(&public_id).await.unwrap().unwrap();
    assert_eq!((key.owner.user_id, key.owner.role), (user, OrgRole::Member));

    let patch = MemberPatch {
        role: Some(OrgRole::Admin),
        name: Some("nightly".to_owned()),
    };
    let changed = h
        .store()
        .change_member(org, user, patch, OrgRole::Owner, someone())
        .await
        .unwrap();
    let ChangeMember::Done(changed) = changed else {
        panic!("{changed:?}")
    };
    assert_eq!(
        (changed.login.as_str(), changed.role),
        ("nightly", OrgRole::Admin)
    );
    // A person's login isn't the organisation's to change.
    let patch = MemberPatch {
        name: Some("other".to_owned()),
        ..MemberPatch::default()
    };
    let kept = h
        .store()
        .change_member(org, owner.user, patch, OrgRole::Owner, someone())
        .await
        .unwrap();
    assert!(matches!(kept, ChangeMember::Done(person) if person.login == owner.login));

    assert_eq!(remove(h, org, user).await, ChangeMember::Done(()));
    assert!(h.store().find_api_key(&public_id).await.unwrap().is_none());
    assert_eq!(remove(h, org, user).await, ChangeMember::Absent);
}

/// A removed member has no role, no keys and no invitations; what they were elsewhere stays, and
/// with the last of it go their names.
pub async fn a_removed_member_leaves_nothing_that_counts(h: &Harness) {
    let (owner, elsewhere) = (tenant(h).await, tenant(h).await);
    let admin = colleague(h, &owner, OrgRole::Admin).await;
    join(h, &elsewhere, &admin).await;
    let (here, there) = (
        new_api_key(&admin),
        crate::NewApiKey {
            org_id: elsewhere.org,
            ..new_api_key(&admin)
        },
    );
    let ids = [here.public_id.clone(), there.public_id.clone()];
    for key in [here, there] {
        done(
            h.store()
                .create_api_key(key, None, someone())
                .await
                .unwrap(),
        );
    }
    let (invitation, token) = new_invitation(&admin, "grace@example.org", OrgRole::Viewer);
    done(
        h.store()
            .invite(invitation, token, None, someone())
            .await
            .unwrap(),
    );

    assert_eq!(
        remove(h, owner.org, admin.user).await,
        ChangeMember::Done(())
    );
    assert_eq!(h.store().user(owner.org, admin.user).await.unwrap(), None);
    assert_eq!(h.store().member(owner.org, admin.user).await.unwrap(), None);
    assert!(h.store().find_api_key(&ids[0]).await.unwrap().is_none());
    assert!(
        h.store()
            .invitations(owner.org, first_page(9))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(h.store().find_api_key(&ids[1]).await.unwrap().is_some());
    let left = h.store().find_login(&admin.login).await.unwrap().unwrap();
    assert_eq!(left.org_id, Some(elsewhere.org));
    assert_eq!(
        remove(h, elsewhere.org, admin.user).await,
        ChangeMember::Done(())
    );
    assert!(h.store().find_login(&admin.login).await.unwrap().is_none());
    let again = crate::NewAccount {
        login: admin.login.clone(),
        email: admin.email.clone(),
        ..new_account()
    };
    let again = done(
        h.store()
            .create_account(again, None, someone())
            .await
            .unwrap(),
    );
    assert_eq!(again, crate::CreateAccount::Created);
}

/// Makes somebody a member of another organisation, too.
async fn join(h: &Harness, org: &Tenant, person: &Tenant) {
    let (invitation, token_hash) = new_invitation(org, &person.email, OrgRole::Member);
    done(
        h.store()
            .invite(invitation, token_hash, None, someone())
            .await
            .unwrap(),
    );
    let presented = crate::PresentedInvitation {
        org_id: org.org,
        token_hash,
        at: now(),
    };
    let joined = h
        .store()
        .accept_invitation(presented, person.user, None, someone())
        .await
        .unwrap();
    assert_eq!(done(joined), crate::Join::Joined);
}

/// Nobody changes a member who stands above them; whoever sinks has invited nobody.
pub async fn members_change_within_their_bounds(h: &Harness) {
    let owner = tenant(h).await;
    let admin = colleague(h, &owner, OrgRole::Admin).await;
    let store = h.store();
    for above in [
        store
            .change_member(
                owner.org,
                owner.user,
                to(OrgRole::Viewer),
                OrgRole::Admin,
                someone(),
            )
            .await,
        store
            .change_member(
                owner.org,
                owner.user,
                MemberPatch::default(),
                OrgRole::Admin,
                someone(),
            )
            .await,
    ] {
        assert_eq!(above.unwrap(), ChangeMember::Above);
    }
    let removed = store
        .remove_member(owner.org, owner.user, OrgRole::Admin, someone())
        .await;
    assert_eq!(removed.unwrap(), ChangeMember::Above);
    let nobody = UserId::generate(now());
    assert_eq!(
        change(h, owner.org, nobody, OrgRole::Viewer).await,
        ChangeMember::Absent
    );

    let (invitation, token) = new_invitation(&admin, "grace@example.org", OrgRole::Admin);
    done(
        store
            .invite(invitation, token, None, someone())
            .await
            .unwrap(),
    );
    let open = async || {
        store
            .invitations(owner.org, first_page(9))
            .await
            .unwrap()
            .items
            .len()
    };
    change(h, owner.org, admin.user, OrgRole::Owner).await;
    assert_eq!(open().await, 1, "who rises has invited as before");
    change(h, owner.org, admin.user, OrgRole::Member).await;
    assert_eq!(open().await, 0);
    let now_is = store.member(owner.org, admin.user).await.unwrap().unwrap();
    assert_eq!(now_is.role, OrgRole::Member);
}

/// One person who owns the organisation stays, also beside service accounts that do.
pub async fn the_last_owner_stays(h: &Harness) {
    let owner = tenant(h).await;
    let service = new_service(&owner, OrgRole::Owner);
    done(
        h.store()
            .create_service(service, None, someone())
            .await
            .unwrap(),
    );
    for role in [OrgRole::Admin, OrgRole::Member, OrgRole::Viewer] {
        assert_eq!(
            change(h, owner.org, owner.user, role).await,
            ChangeMember::LastOwner
        );
    }
    assert_eq!(
        remove(h, owner.org, owner.user).await,
        ChangeMember::LastOwner
    );
    let same = change(h, owner.org, owner.user, OrgRole::Owner).await;
    assert!(matches!(same, ChangeMember::Done(_)), "{same:?}");

    let second = colleague(h, &owner, OrgRole::Owner).await;
    assert_eq!(
        remove(h, owner.org, owner.user).await,
        ChangeMember::Done(())
    );
    assert_eq!(
        remove(h, owner.org, second.user).await,
        ChangeMember::LastOwner
    );
}

/// Of owners who demote or remove each other at the same moment one is left.
pub async fn owners_who_race_leave_one(h: &Harness) {
    for round in 0..ROUNDS {
        let first = tenant(h).await;
        let second = colleague(h, &first, OrgRole::Owner).await;
        let start = Arc::new(Barrier::new(2));
        let attempt = |user: UserId, store: Arc<dyn Store>, start: Arc<Barrier>| async move {
            start.wait().await;
            if round % 2 == 0 {
                let changed = store.change_member(
                    first.org,
                    user,
                    to(OrgRole::Member),
                    OrgRole::Owner,
                    someone(),
                );
                matches!(changed.await.unwrap(), ChangeMember::Done(_))
            } else {
                let removed = store.remove_member(first.org, user, OrgRole::Owner, someone());
                removed.await.unwrap() == ChangeMember::Done(())
            }
        };
        let a = tokio::spawn(attempt(first.user, h.shared(), Arc::clone(&start)));
        let b = tokio::spawn(attempt(second.user, h.shared(), start));
        let went = [a.await.unwrap(), b.await.unwrap()];
        assert_eq!(
            went.iter().filter(|went| **went).count(),
            1,
            "round {round}: {went:?}"
        );
        let left = h
            .store()
            .members(first.org, None, first_page(9))
            .await
            .unwrap()
            .items;
        let owners = left.iter().filter(|member| member.role == OrgRole::Owner);
        assert_eq!(owners.count(), 1, "round {round}");
    }
}
