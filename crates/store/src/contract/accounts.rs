//! People and their organisations.

use std::sync::Arc;

use runloom_domain::{OrgRole, UserId};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    Tenant, done, first_page, idempotency, new_account, new_api_key, now, someone, tenant,
};
use crate::{CreateAccount, Idempotency, KeyConflict, NewAccount, NewApiKey, Once, UserRecord};

async fn register(h: &Harness, new: NewAccount) -> CreateAccount {
    done(
        h.store()
            .create_account(new, None, someone())
            .await
            .unwrap(),
    )
}

/// A person comes back as registered, by id, by login and by e-mail address.
pub async fn a_person_registers(h: &Harness) {
    assert!(!h.store().has_accounts().await.unwrap());
    let new = NewAccount {
        role: OrgRole::Admin,
        ..new_account()
    };
    let expected = UserRecord {
        user_id: new.user_id,
        org_id: new.org_id,
        login: new.login.clone(),
        email: new.email.clone(),
        role: OrgRole::Admin,
        created_at: new.created_at,
    };
    let hash = new.password_hash.clone();
    assert_eq!(register(h, new).await, CreateAccount::Created);
    assert!(h.store().has_accounts().await.unwrap());
    let read = h
        .store()
        .user(expected.org_id, expected.user_id)
        .await
        .unwrap();
    assert_eq!(read, Some(expected.clone()));
    for name in [&expected.login, &expected.email] {
        let found = h.store().find_login(name).await.unwrap().unwrap();
        assert_eq!(
            (found.user_id, found.org_id),
            (expected.user_id, Some(expected.org_id))
        );
        assert_eq!(
            (&found.login, &found.email, &found.password_hash),
            (&expected.login, &expected.email, &hash)
        );
        assert_eq!(found.signed_out_at, None);
    }
    assert!(h.store().find_login("nobody").await.unwrap().is_none());
    let nobody = h
        .store()
        .user(expected.org_id, UserId::generate(now()))
        .await
        .unwrap();
    assert_eq!(nobody, None);
}

/// Logins and e-mail addresses are found and taken without regard to case, in any script, and
/// are shown as they were written.
pub async fn names_have_no_case(h: &Harness) {
    let tail = new_account().user_id;
    let first = NewAccount {
        login: format!("Zoë-ÅNGSTRÖM-{tail}"),
        email: format!("Zoe.A-{tail}@Example.org"),
        ..new_account()
    };
    let (login, email) = (first.login.clone(), first.email.clone());
    assert_eq!(register(h, first).await, CreateAccount::Created);
    for name in [
        login.to_lowercase(),
        login.to_uppercase(),
        email.to_uppercase(),
    ] {
        let found = h.store().find_login(&name).await.unwrap();
        assert_eq!(
            found.map(|found| found.login),
            Some(login.clone()),
            "{name}"
        );
    }
    let taken = [
        NewAccount {
            login: login.to_uppercase(),
            ..new_account()
        },
        NewAccount {
            email: email.to_lowercase(),
            ..new_account()
        },
    ];
    for new in taken {
        let (org, user) = (new.org_id, new.user_id);
        assert_eq!(register(h, new).await, CreateAccount::Taken);
        assert_eq!(h.store().user(org, user).await.unwrap(), None);
    }
}

/// One of several who want a name at the same moment gets it.
pub async fn racing_registrations_make_one_account(h: &Harness) {
    const PEOPLE: usize = 4;
    let login = new_account().login;
    let start = Arc::new(Barrier::new(PEOPLE));
    let mut people = JoinSet::new();
    for _ in 0..PEOPLE {
        let (store, start) = (h.shared(), Arc::clone(&start));
        let new = NewAccount {
            login: login.clone(),
            ..new_account()
        };
        people.spawn(async move {
            start.wait().await;
            done(store.create_account(new, None, someone()).await.unwrap())
        });
    }
    let answers = people.join_all().await;
    let created = answers
        .iter()
        .filter(|a| **a == CreateAccount::Created)
        .count();
    assert_eq!(created, 1);
}

/// Several people share an organisation, each with a role and keys of their own.
pub async fn an_organisation_has_several_people(h: &Harness) {
    let first = tenant(h).await;
    let second = NewAccount {
        org_id: first.org,
        role: OrgRole::Viewer,
        ..new_account()
    };
    let user = second.user_id;
    assert_eq!(register(h, second).await, CreateAccount::Created);
    let read = h.store().user(first.org, user).await.unwrap().unwrap();
    assert_eq!(read.role, OrgRole::Viewer);
    let read = h
        .store()
        .user(first.org, first.user)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read.role, OrgRole::Owner);

    let of_second = NewApiKey {
        user_id: user,
        ..new_api_key(&first)
    };
    let (newer, older) = (of_second.api_key_id, new_api_key(&first));
    let ids = [newer, older.api_key_id];
    for key in [older, of_second] {
        done(
            h.store()
                .create_api_key(key, None, someone())
                .await
                .unwrap(),
        );
    }
    for (owner, expected) in [(None, &ids[..]), (Some(user), &ids[..1])] {
        let page = h
            .store()
            .api_keys(first.org, owner, first_page(9))
            .await
            .unwrap();
        let mut found: Vec<_> = page.items.iter().map(|key| key.api_key_id).collect();
        found.sort_by_key(|id| *id != newer);
        assert_eq!(found, expected);
    }
    let other = h
        .store()
        .revoke_api_key(first.org, Some(first.user), newer, now(), someone());
    assert!(!other.await.unwrap(), "the key is somebody else's");
}

/// A person is found in their own organisation only.
pub async fn people_belong_to_their_organisation(h: &Harness) {
    let (own, foreign) = (tenant(h).await, tenant(h).await);
    assert!(h.store().user(own.org, own.user).await.unwrap().is_some());
    assert_eq!(h.store().user(foreign.org, own.user).await.unwrap(), None);
}

fn tenant_of(new: &NewAccount) -> Tenant {
    Tenant {
        org: new.org_id,
        user: new.user_id,
        login: new.login.clone(),
        email: new.email.clone(),
    }
}

/// The first key comes with its owner or not at all.
pub async fn the_first_key_comes_with_the_account(h: &Harness) {
    let person = new_account();
    let key = new_api_key(&tenant_of(&person));
    let public_id = key.public_id.clone();
    let with_key = NewAccount {
        api_key: Some(key.clone()),
        ..person.clone()
    };
    assert_eq!(register(h, with_key).await, CreateAccount::Created);
    let found = h.store().find_api_key(&public_id).await.unwrap().unwrap();
    assert_eq!(found.owner.user_id, person.user_id);

    // A name that is taken brings no key.
    let again = NewAccount {
        login: person.login.clone(),
        ..new_account()
    };
    let second = new_api_key(&tenant_of(&again));
    let public_id = second.public_id.clone();
    let again = NewAccount {
        api_key: Some(second),
        ..again
    };
    assert_eq!(register(h, again).await, CreateAccount::Taken);
    assert!(h.store().find_api_key(&public_id).await.unwrap().is_none());

    // A key that can't be brings no account.
    let other = new_account();
    let (org, user) = (other.org_id, other.user_id);
    let repeated = NewAccount {
        api_key: Some(NewApiKey {
            org_id: org,
            user_id: user,
            ..key
        }),
        ..other
    };
    assert!(
        h.store()
            .create_account(repeated, None, someone())
            .await
            .is_err()
    );
    assert_eq!(h.store().user(org, user).await.unwrap(), None);
}

/// A repeated registration gets the first answer; one that was refused leaves no key behind.
pub async fn a_person_registers_once(h: &Harness) {
    let person = new_account();
    let once = idempotency(&tenant_of(&person), "POST /register");
    let attempt = |new: NewAccount, once: &Idempotency| {
        let (store, once) = (h.shared(), once.clone());
        async move {
            store
                .create_account(new, Some(once), someone())
                .await
                .unwrap()
        }
    };
    let created = attempt(person.clone(), &once).await;
    assert_eq!(created, Once::Done(CreateAccount::Created));
    // Each attempt would make another organisation; the key knows it all the same.
    let again = NewAccount {
        login: person.login.clone(),
        ..new_account()
    };
    let (org, user) = (again.org_id, again.user_id);
    let replayed = attempt(again, &once).await;
    assert_eq!(replayed, Once::Replayed(once.answer.clone()));
    assert_eq!(h.store().user(org, user).await.unwrap(), None);
    let other = Idempotency {
        body_hash: [2; 32],
        ..once.clone()
    };
    let refused = attempt(new_account(), &other).await;
    assert_eq!(refused, Once::Conflict(KeyConflict::Reused));

    let fresh = idempotency(&tenant_of(&person), "POST /register");
    let taken = NewAccount {
        login: person.login.clone(),
        ..new_account()
    };
    let taken = attempt(taken, &fresh).await;
    assert_eq!(taken, Once::Done(CreateAccount::Taken));
    let created = attempt(new_account(), &fresh).await;
    assert_eq!(created, Once::Done(CreateAccount::Created));
}

/// A password's hash is replaced if nobody else has done so.
pub async fn a_password_hash_is_replaced_once(h: &Harness) {
    let (person, other) = (new_account(), new_account());
    let (user, login, old) = (
        person.user_id,
        person.login.clone(),
        person.password_hash.clone(),
    );
    let others = other.login.clone();
    for new in [person, other] {
        assert_eq!(register(h, new).await, CreateAccount::Created);
    }
    let replace = async |old: &str, new: &str| {
        let store = h.store();
        let replaced = store.replace_password_hash(user, old, new.to_owned());
        replaced.await.unwrap()
    };
    assert!(replace(&old, "second").await);
    assert!(!replace(&old, "third").await, "it is another one now");
    let stored = async |login: &str| {
        let found = h.store().find_login(login).await.unwrap();
        found.unwrap().password_hash
    };
    assert_eq!(stored(&login).await, "second");
    assert_eq!(stored(&others).await, old);
    let nobody = UserId::generate(now());
    let store = h.store();
    let replaced = store.replace_password_hash(nobody, &old, "x".to_owned());
    assert!(!replaced.await.unwrap());
}
