//! An organisation's own personas.

use std::collections::BTreeSet;
use std::sync::Arc;

use runloom_domain::Persona;
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    Tenant, answer_of, first_page, first_version, further_version, idempotency, new_persona,
    next_page, now, persona_named, someone, tenant, written,
};
use crate::{
    DeletePersona, Idempotency, KeyConflict, NewPersona, Once, PersonaRecord, PersonaTarget,
    PersonaVersion, StoreError, WritePersona,
};

async fn outcome(h: &Harness, new: NewPersona) -> WritePersona {
    match h.store().write_persona(new, someone()).await.unwrap() {
        Once::Done(outcome) => outcome,
        other => panic!("there was no key: {other:?}"),
    }
}

fn named(name: &str, new: NewPersona) -> NewPersona {
    NewPersona {
        version: PersonaVersion::Named(name.to_owned()),
        ..new
    }
}

/// The key and version that are found, as `key@version`.
async fn found(
    h: &Harness,
    of: &Tenant,
    key: Option<&str>,
    version: Option<&str>,
) -> Option<String> {
    let found = h.store().persona(of.org, key, version).await.unwrap();
    found.map(|record| record.persona.id.to_string())
}

/// A persona comes back as it was written, with all that can be said of one.
pub async fn a_persona_is_made_and_read(h: &mut Harness) {
    let tenant = tenant(h).await;
    let persona: Persona = serde_json::from_value(json!({
        "key": "clerk", "version": "1", "prompt": "Be “brief”.\n", "route_id": "r", "model": "m",
        "tools": ["b", "a"], "http_allow": ["a.example"], "approvals": {"default": "ask", "tools": {"a": "deny"}},
        "limits": {"max_steps": 3, "max_cost": 5}, "temperature": 0.1, "top_p": 0.9,
        "stop": ["END"], "reasoning_effort": "low", "prompt_caching": false,
        "response_format": {"name": "n", "schema": {"type": "object"}},
        "on_overflow": "summarise",
    }))
    .unwrap();
    let new = NewPersona {
        persona: persona.clone(),
        is_default: Some(true),
        ..first_version(&tenant, "clerk")
    };
    let PersonaTarget::New(persona_id) = new.target else {
        panic!("it is new");
    };
    let expected = PersonaRecord {
        org_id: tenant.org,
        persona_id,
        persona,
        number: 1,
        is_default: true,
        created_at: new.created_at,
        updated_by: tenant.user,
        updated_at: new.created_at,
    };
    assert_eq!(written(h, new).await, expected);
    for _ in 0..2 {
        for (key, version) in [
            (Some("clerk"), None),
            (Some("clerk"), Some("1")),
            (None, None),
        ] {
            let found = h.store().persona(tenant.org, key, version).await.unwrap();
            assert_eq!(found.as_ref(), Some(&expected));
        }
        assert_eq!(found(h, &tenant, Some("clerk"), Some("2")).await, None);
        assert_eq!(found(h, &tenant, Some("nobody"), None).await, None);
        if !h.reopen().await {
            return;
        }
    }
}

/// Versions are numbered, or called as somebody wants; the last one is the newest.
pub async fn versions_follow_each_other(h: &Harness) {
    let tenant = tenant(h).await;
    let first = written(h, first_version(&tenant, "clerk")).await;
    assert_eq!(first.persona, persona_named("clerk", "1"));
    for (name, version, number) in [
        (None, "2", 2),
        (Some("winter"), "winter", 3),
        (None, "4", 4),
        (Some("9"), "9", 9),
        (None, "10", 10),
    ] {
        let new = further_version(&tenant, "clerk");
        let at = new.created_at;
        let new = match name {
            Some(name) => named(name, new),
            None => new,
        };
        let record = written(h, new).await;
        assert_eq!(
            (record.persona.id.version.as_str(), record.number),
            (version, number)
        );
        assert_eq!(record.persona_id, first.persona_id);
        assert_eq!(
            (record.created_at, record.updated_at),
            (first.created_at, at)
        );
        let newest = found(h, &tenant, Some("clerk"), None).await;
        assert_eq!(newest, Some(format!("clerk@{version}")));
    }
    for taken in ["winter", "9", "3", "0"] {
        let again = named(taken, further_version(&tenant, "clerk"));
        assert_eq!(
            outcome(h, again).await,
            WritePersona::VersionTaken,
            "{taken}"
        );
    }
    for there in ["1", "winter", "9"] {
        let found = found(h, &tenant, Some("clerk"), Some(there)).await;
        assert_eq!(found, Some(format!("clerk@{there}")));
    }
}

/// A key is made once, changed when it is there, and by those who know its newest version.
pub async fn a_write_says_what_it_expects(h: &Harness) {
    let tenant = tenant(h).await;
    let lost = further_version(&tenant, "clerk");
    assert_eq!(outcome(h, lost).await, WritePersona::Absent);
    written(h, first_version(&tenant, "clerk")).await;
    let again = first_version(&tenant, "clerk");
    assert_eq!(outcome(h, again).await, WritePersona::KeyTaken);
    let knowing = |number| new_persona(&tenant, "clerk", PersonaTarget::Existing(Some(number)));
    assert_eq!(written(h, knowing(1)).await.number, 2);
    assert_eq!(outcome(h, knowing(1)).await, WritePersona::Stale);
    assert_eq!(outcome(h, knowing(7)).await, WritePersona::Stale);
    assert_eq!(
        found(h, &tenant, Some("clerk"), None).await.unwrap(),
        "clerk@2"
    );
}

/// One persona is the default one, through its versions, until another is or it says no.
pub async fn one_persona_is_the_default(h: &Harness) {
    let tenant = tenant(h).await;
    assert_eq!(found(h, &tenant, None, None).await, None);
    let with = |is_default, new| NewPersona { is_default, ..new };
    written(h, with(None, first_version(&tenant, "a"))).await;
    assert_eq!(found(h, &tenant, None, None).await, None);
    let a = written(h, with(Some(true), further_version(&tenant, "a"))).await;
    assert!(a.is_default);
    assert!(written(h, further_version(&tenant, "a")).await.is_default);
    assert_eq!(found(h, &tenant, None, None).await.unwrap(), "a@3");
    assert_eq!(found(h, &tenant, None, Some("1")).await.unwrap(), "a@1");
    written(h, with(Some(true), first_version(&tenant, "b"))).await;
    assert_eq!(found(h, &tenant, None, None).await.unwrap(), "b@1");
    let a = h
        .store()
        .persona(tenant.org, Some("a"), None)
        .await
        .unwrap();
    assert!(!a.unwrap().is_default);
    written(h, with(Some(false), further_version(&tenant, "b"))).await;
    assert_eq!(found(h, &tenant, None, None).await, None);
}

/// Lists show the newest version of each key, and all versions of one, in pages.
pub async fn personas_are_listed(h: &Harness) {
    let tenant = tenant(h).await;
    let (store, org) = (h.store(), tenant.org);
    for key in ["a", "b", "c"] {
        written(h, first_version(&tenant, key)).await;
    }
    written(h, further_version(&tenant, "a")).await;
    let names = |rows: &[PersonaRecord]| {
        rows.iter()
            .map(|row| row.persona.id.to_string())
            .collect::<Vec<_>>()
    };
    let first = store.personas(org, first_page(2)).await.unwrap();
    assert_eq!(names(&first.items), ["c@1", "b@1"]);
    written(h, first_version(&tenant, "d")).await;
    let last = store.personas(org, next_page(&first, 2)).await.unwrap();
    assert_eq!(
        (names(&last.items), last.next),
        (vec!["a@2".to_owned()], None)
    );

    written(h, named("winter", further_version(&tenant, "a"))).await;
    let first = store
        .persona_versions(org, "a", first_page(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(names(&first.items), ["a@winter", "a@2"]);
    written(h, further_version(&tenant, "a")).await;
    let last = store
        .persona_versions(org, "a", next_page(&first, 2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (names(&last.items), last.next),
        (vec!["a@1".to_owned()], None)
    );
    let nobody = store
        .persona_versions(org, "nobody", first_page(2))
        .await
        .unwrap();
    assert!(nobody.is_none());
}

/// A deleted persona is absent with all its versions; their names stay taken when its key comes
/// back.
pub async fn a_deleted_persona_leaves_its_names(h: &Harness) {
    let tenant = tenant(h).await;
    let (store, org) = (h.store(), tenant.org);
    let first = NewPersona {
        is_default: Some(true),
        ..first_version(&tenant, "clerk")
    };
    written(h, first).await;
    written(h, named("winter", further_version(&tenant, "clerk"))).await;
    let delete = async |expected| {
        store
            .delete_persona(org, "clerk", expected, now(), someone())
            .await
            .unwrap()
    };
    assert_eq!(delete(Some(1)).await, DeletePersona::Stale);
    assert_eq!(delete(Some(2)).await, DeletePersona::Deleted);
    assert_eq!(delete(None).await, DeletePersona::Absent);
    for (key, version) in [
        (Some("clerk"), None),
        (Some("clerk"), Some("1")),
        (Some("clerk"), Some("winter")),
        (None, None),
    ] {
        assert_eq!(found(h, &tenant, key, version).await, None);
    }
    assert!(
        store
            .personas(org, first_page(9))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let versions = store
        .persona_versions(org, "clerk", first_page(9))
        .await
        .unwrap();
    assert!(versions.is_none());
    assert_eq!(
        outcome(h, further_version(&tenant, "clerk")).await,
        WritePersona::Absent
    );

    let taken = named("winter", first_version(&tenant, "clerk"));
    assert_eq!(outcome(h, taken).await, WritePersona::VersionTaken);
    let new = first_version(&tenant, "clerk");
    let (target, at) = (new.target, new.created_at);
    let record = written(h, new).await;
    assert_eq!(record.persona, persona_named("clerk", "3"));
    assert_eq!(target, PersonaTarget::New(record.persona_id));
    assert_eq!((record.is_default, record.created_at), (false, at));
    assert_eq!(found(h, &tenant, Some("clerk"), Some("1")).await, None);
    let all = store
        .persona_versions(org, "clerk", first_page(9))
        .await
        .unwrap();
    assert_eq!(all.unwrap().items, [record]);
}

/// Versions that are written at once all get numbers of their own.
pub async fn racing_versions_are_apart(h: &Harness) {
    const WRITERS: usize = 8;
    let tenant = tenant(h).await;
    let barrier = Arc::new(Barrier::new(WRITERS));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, barrier) = (h.shared(), Arc::clone(&barrier));
        let (first, further) = (
            first_version(&tenant, "clerk"),
            further_version(&tenant, "clerk"),
        );
        writers.spawn(async move {
            barrier.wait().await;
            match store.write_persona(first, someone()).await.unwrap() {
                Once::Done(WritePersona::KeyTaken) => {
                    store.write_persona(further, someone()).await.unwrap()
                }
                other => other,
            }
        });
    }
    let mut numbers = BTreeSet::new();
    for outcome in writers.join_all().await {
        let Once::Done(WritePersona::Written(record)) = outcome else {
            panic!("a version can't come to {outcome:?}");
        };
        numbers.insert(record.number);
    }
    assert_eq!(numbers, (1..=WRITERS as u64).collect());
}

/// A repeat gets the first answer, which tells the version that was made; a refusal keeps no key.
pub async fn a_version_is_made_once(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /personas");
    let with = |new| NewPersona {
        once: Some(once.clone()),
        ..new
    };
    let refused = h
        .store()
        .write_persona(with(further_version(&tenant, "clerk")), someone())
        .await;
    assert_eq!(refused.unwrap(), Once::Done(WritePersona::Absent));
    let make = |new| {
        h.store()
            .write_persona(with(named("winter", new)), someone())
    };
    let Once::Done(WritePersona::Written(made)) =
        make(first_version(&tenant, "clerk")).await.unwrap()
    else {
        panic!("it is made");
    };
    let again = make(first_version(&tenant, "clerk")).await.unwrap();
    assert_eq!(again, Once::Replayed(answer_of(&made)));
    let other = NewPersona {
        once: Some(Idempotency {
            body_hash: [2; 32],
            ..once.clone()
        }),
        ..further_version(&tenant, "clerk")
    };
    let reused = h.store().write_persona(other, someone()).await.unwrap();
    assert_eq!(reused, Once::Conflict(KeyConflict::Reused));
    let newest = found(h, &tenant, Some("clerk"), None).await;
    assert_eq!(newest.unwrap(), "clerk@winter");
}

/// What can't be stored is refused whole.
pub async fn a_bad_persona_is_refused(h: &Harness) {
    let tenant = tenant(h).await;
    let mut bad = first_version(&tenant, "clerk");
    bad.persona.prompt.push('\0');
    let refused = h.store().write_persona(bad, someone()).await;
    assert!(
        matches!(refused, Err(StoreError::Rejected(_))),
        "{refused:?}"
    );
    assert_eq!(found(h, &tenant, Some("clerk"), None).await, None);
}

/// Writing and deleting a persona are writes to the configuration.
pub async fn personas_raise_the_version(h: &Harness) {
    let tenant = tenant(h).await;
    let (store, org) = (h.store(), tenant.org);
    let version = async || store.config_version(org).await.unwrap();
    written(h, first_version(&tenant, "clerk")).await;
    written(h, further_version(&tenant, "clerk")).await;
    assert_eq!(version().await, 2);
    assert_eq!(
        outcome(h, first_version(&tenant, "clerk")).await,
        WritePersona::KeyTaken
    );
    assert_eq!(version().await, 2);
    store
        .delete_persona(org, "clerk", None, now(), someone())
        .await
        .unwrap();
    assert_eq!(version().await, 3);
}
