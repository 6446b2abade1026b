//! Organisations: several of a person's, and what they may say of themselves.

use runloom_domain::{OrgId, OrgRole, RunVisibility};

use super::Harness;
use super::fixtures::{
    first_page, idempotency, new_run, next_page, now, running, someone, tenant, thread, try_create,
};
use crate::{CreateRun, NewOrg, Once, OrgPatch, Update};

/// A person makes further organisations, once each, and is the owner of all; they are listed for
/// nobody else.
pub async fn a_person_has_several_organisations(h: &Harness) {
    let (person, other) = (tenant(h).await, tenant(h).await);
    let once = idempotency(&person, "POST /orgs");
    let new = || NewOrg {
        org_id: OrgId::generate(now()),
        name: "Second".to_owned(),
        owner: person.user,
        created_at: now(),
    };
    let (second, repeated) = (new(), new());
    let made = h
        .store()
        .create_org(second.clone(), Some(once.clone()), someone())
        .await
        .unwrap();
    assert_eq!(made, Once::Done(()));
    let again = h
        .store()
        .create_org(repeated.clone(), Some(once.clone()), someone())
        .await
        .unwrap();
    assert_eq!(again, Once::Replayed(once.answer.clone()));
    assert_eq!(h.store().org(repeated.org_id).await.unwrap(), None);

    let list = async |user, page| h.store().orgs_of(user, page).await.unwrap();
    let first = list(person.user, first_page(1)).await;
    let last = list(person.user, next_page(&first, 1)).await;
    let ids = [&first, &last].map(|page| page.items[0].org.org_id);
    assert_eq!((ids, last.next), ([second.org_id, person.org], None));
    assert_eq!(first.items[0].role, OrgRole::Owner);
    assert_eq!(first.items[0].org.name, "Second");
    let others = list(other.user, first_page(9)).await.items;
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].org.org_id, other.org);
    // They are still found in each, with the role of each.
    for org in ids {
        let user = h.store().user(org, person.user).await.unwrap().unwrap();
        assert_eq!((user.org_id, user.login), (org, person.login.clone()));
    }
}

/// An organisation changes in the version that was seen, field by field.
pub async fn an_organisation_is_changed_as_seen(h: &Harness) {
    let owner = tenant(h).await;
    let org = || async { h.store().org(owner.org).await.unwrap().unwrap() };
    let before = org().await;
    assert_eq!(
        (before.run_visibility, before.version),
        (RunVisibility::Org, 1)
    );
    assert_eq!(before.event_retention_days, None);
    h.store()
        .set_event_retention(owner.org, Some(30), someone())
        .await
        .unwrap();

    let update = async |expected, patch| {
        h.store()
            .update_org(owner.org, expected, patch, someone())
            .await
            .unwrap()
    };
    let own = OrgPatch {
        run_visibility: Some(RunVisibility::Own),
        ..OrgPatch::default()
    };
    assert_eq!(update(7, own.clone()).await, Update::Stale);
    let Update::Done(changed) = update(1, own.clone()).await else {
        panic!("it is at its first version");
    };
    assert_eq!(changed, org().await);
    assert_eq!((changed.name.clone(), changed.version), (before.name, 2));
    assert_eq!(changed.run_visibility, RunVisibility::Own);
    assert_eq!(changed.event_retention_days, Some(30));
    assert_eq!(update(1, own).await, Update::Stale);
    let renamed = OrgPatch {
        name: Some("Ada & Söhne".to_owned()),
        ..OrgPatch::default()
    };
    let Update::Done(renamed) = update(2, renamed).await else {
        panic!("it is at its second version");
    };
    assert_eq!(
        (renamed.name.as_str(), renamed.run_visibility),
        ("Ada & Söhne", RunVisibility::Own)
    );
    let nowhere = h
        .store()
        .update_org(OrgId::generate(now()), 1, OrgPatch::default(), someone())
        .await;
    assert_eq!(nowhere.unwrap(), Update::Absent);
}

/// Of some runs those are told that a person has created in the organisation.
pub async fn runs_are_told_by_who_created_them(h: &Harness) {
    let scene = running(h).await;
    let (ada, bob) = (&scene.tenant, tenant(h).await);
    let other = thread(h, ada).await;
    let bobs = crate::NewRun {
        created_by: bob.user,
        ..new_run(ada, other)
    };
    let bobs_id = bobs.run_id;
    assert!(matches!(try_create(h, bobs).await, CreateRun::Created(_)));
    let of = async |org, user| {
        let runs = vec![bobs_id, scene.run];
        h.store().runs_created_by(org, user, runs).await.unwrap()
    };
    assert_eq!(of(ada.org, ada.user).await, [scene.run]);
    assert_eq!(of(ada.org, bob.user).await, [bobs_id]);
    assert!(of(bob.org, bob.user).await.is_empty());
    let none = h
        .store()
        .runs_created_by(ada.org, ada.user, vec![])
        .await
        .unwrap();
    assert!(none.is_empty());
}
