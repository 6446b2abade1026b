//! An organisation's own routes.

use std::sync::Arc;

use runloom_domain::{
    Backoff, CredentialId, Multiplier, NanoUsd, Prices, RateLimits, RouteId, RouteRule,
    RouteTimeouts,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    Tenant, append_ok, credential, done, first_page, idempotency, new_route, next_page, now, route,
    running_with, someone, tenant,
};
use crate::{
    DeleteConfig, MAX_ROUTES, NewRoute, Once, RouteRecord, RouteRefusal, RouteSettings, StoreError,
    Update,
};

/// Everything that can be said of a route.
fn rich(credential: CredentialId) -> RouteSettings {
    RouteSettings {
        priority: -7,
        is_default: true,
        enabled: false,
        fallback: Some("platform.route".to_owned()),
        when: Some(RouteRule {
            persona: Some("clerk".to_owned()),
            metadata: [("tier".to_owned(), "gold".into())].into(),
        }),
        prices: Some(Prices {
            uncached_input: NanoUsd::from_nanos(1),
            cache_read: NanoUsd::from_nanos(2),
            cache_write: NanoUsd::from_nanos(3),
            output: NanoUsd::from_nanos(i64::MAX),
            request: NanoUsd::from_nanos(5),
        }),
        multiplier: Multiplier::from_thousandths(1_500),
        context_length: Some(200_000),
        max_output_tokens: Some(4_096),
        rate: RateLimits {
            requests_per_minute: Some(60),
            tokens_per_minute: Some(u64::from(u32::MAX) + 1),
            concurrency: Some(4),
        },
        timeouts: RouteTimeouts {
            header_ms: 1,
            idle_ms: 2,
            total_ms: 0,
        },
        backoff: Backoff {
            max_attempts: 9,
            base_ms: 10,
            cap_ms: 20,
            asked_cap_ms: 60_000,
            max_rate_limited: 5,
        },
        ..RouteSettings::new(credential, "a “model”")
    }
}

fn record(new: &NewRoute) -> RouteRecord {
    RouteRecord {
        org_id: new.org_id,
        route_id: new.route_id,
        provider: "openai_chat".to_owned(),
        settings: new.settings.clone(),
        version: 1,
        created_by: new.created_by,
        created_at: new.created_at,
        updated_at: new.created_at,
    }
}

async fn refusal(h: &Harness, new: NewRoute) -> Option<RouteRefusal> {
    done(h.store().create_route(new, None, someone()).await.unwrap()).err()
}

/// A route comes back as it was made, with the kind of its credential.
pub async fn a_route_is_made_and_read(h: &mut Harness) {
    let tenant = tenant(h).await;
    let credential = credential(h, &tenant).await;
    let plain = new_route(&tenant, credential);
    let rich = NewRoute {
        settings: rich(credential),
        ..new_route(&tenant, credential)
    };
    for new in [&plain, &rich] {
        assert_eq!(refusal(h, new.clone()).await, None);
    }
    for _ in 0..2 {
        for new in [&plain, &rich] {
            let found = h.store().route(tenant.org, new.route_id).await.unwrap();
            assert_eq!(found, Some(record(new)));
        }
        let mut all = h.store().configured(tenant.org).await.unwrap().routes;
        all.sort_by_key(|route| route.created_at);
        assert_eq!(all, [record(&plain), record(&rich)]);
        if !h.reopen().await {
            return;
        }
    }
}

/// Lists go newest first, in pages.
pub async fn routes_are_listed(h: &Harness) {
    let tenant = tenant(h).await;
    let credential = credential(h, &tenant).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.insert(0, route(h, &tenant, credential, None).await);
    }
    let list = |page| {
        let (store, org) = (h.store(), tenant.org);
        async move { store.routes(org, page).await.unwrap() }
    };
    let ids = |rows: &[RouteRecord]| rows.iter().map(|r| r.route_id).collect::<Vec<_>>();
    let first = list(first_page(2)).await;
    assert_eq!(ids(&first.items), expected[..2]);
    route(h, &tenant, credential, None).await;
    let last = list(next_page(&first, 2)).await;
    assert_eq!(
        (ids(&last.items), last.next),
        (expected[2..].to_vec(), None)
    );
}

/// A change replaces what is there, raises the version, and wants to be of the version it knows.
pub async fn a_route_is_changed(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, credential) = (tenant.org, credential(h, &tenant).await);
    let new = new_route(&tenant, credential);
    let id = new.route_id;
    assert_eq!(refusal(h, new.clone()).await, None);
    let (settings, at) = (rich(credential), now());
    let update = |id, expected| {
        let (store, settings) = (h.store(), settings.clone());
        async move {
            let updated = store.update_route(org, id, expected, settings, at, someone());
            updated.await.unwrap()
        }
    };
    let expected = RouteRecord {
        settings: settings.clone(),
        version: 2,
        updated_at: at,
        ..record(&new)
    };
    assert_eq!(update(id, 1).await, Update::Done(Ok(expected.clone())));
    assert_eq!(update(id, 1).await, Update::Stale);
    assert_eq!(h.store().route(org, id).await.unwrap(), Some(expected));
    assert_eq!(update(RouteId::generate(now()), 1).await, Update::Absent);
}

/// A route needs its credential and its fallback, and leads nowhere twice.
pub async fn a_route_refers_to_what_is_there(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, credential) = (tenant.org, credential(h, &tenant).await);
    let nowhere = CredentialId::generate(now());
    let lost = new_route(&tenant, nowhere);
    assert_eq!(refusal(h, lost).await, Some(RouteRefusal::NoCredential));
    let mut astray = new_route(&tenant, credential);
    astray.settings.fallback = Some(RouteId::generate(now()).to_string());
    assert_eq!(refusal(h, astray).await, Some(RouteRefusal::NoFallback));
    let mut itself = new_route(&tenant, credential);
    itself.settings.fallback = Some(itself.route_id.to_string());
    assert_eq!(refusal(h, itself).await, Some(RouteRefusal::Circle));
    assert!(h.store().configured(org).await.unwrap().routes.is_empty());

    let last = route(h, &tenant, credential, None).await;
    let middle = route(h, &tenant, credential, Some(last)).await;
    let first = route(h, &tenant, credential, Some(middle)).await;
    let update = |fallback: RouteId, credential| {
        let mut settings = RouteSettings::new(credential, "model-1");
        settings.fallback = Some(fallback.to_string());
        let store = h.store();
        async move {
            match store
                .update_route(org, last, 1, settings, now(), someone())
                .await
                .unwrap()
            {
                Update::Done(outcome) => outcome.err(),
                other => panic!("the route is there: {other:?}"),
            }
        }
    };
    for circle in [first, middle, last] {
        assert_eq!(update(circle, credential).await, Some(RouteRefusal::Circle));
    }
    assert_eq!(
        update(first, nowhere).await,
        Some(RouteRefusal::NoCredential)
    );
    let found = h.store().route(org, last).await.unwrap().unwrap();
    assert_eq!((found.version, found.settings.fallback), (1, None));
}

/// Two changes that would close a circle together don't both happen.
pub async fn racing_changes_make_no_circle(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, credential) = (tenant.org, credential(h, &tenant).await);
    for _ in 0..5 {
        let one = route(h, &tenant, credential, None).await;
        let other = route(h, &tenant, credential, None).await;
        let barrier = Arc::new(Barrier::new(2));
        let mut racers = JoinSet::new();
        for (id, fallback) in [(one, other), (other, one)] {
            let (store, barrier) = (h.shared(), Arc::clone(&barrier));
            let mut settings = RouteSettings::new(credential, "model-1");
            settings.fallback = Some(fallback.to_string());
            racers.spawn(async move {
                barrier.wait().await;
                store
                    .update_route(org, id, 1, settings, now(), someone())
                    .await
                    .unwrap()
            });
        }
        let outcomes = racers.join_all().await;
        let circles = outcomes
            .iter()
            .filter(|outcome| **outcome == Update::Done(Err(RouteRefusal::Circle)));
        assert_eq!(circles.count(), 1, "{outcomes:?}");
    }
}

/// A route goes when no other falls back to it and no run froze it.
pub async fn a_route_in_use_stays(h: &Harness) {
    let tenant = tenant(h).await;
    let (org, credential) = (tenant.org, credential(h, &tenant).await);
    let last = route(h, &tenant, credential, None).await;
    let first = route(h, &tenant, credential, Some(last)).await;
    let runs = [
        running_with(h, &tenant, last).await,
        running_with(h, &tenant, last).await,
    ];
    let delete = |id, expected| {
        let store = h.store();
        async move {
            store
                .delete_route(org, id, expected, someone())
                .await
                .unwrap()
        }
    };
    assert_eq!(delete(last, Some(2)).await, DeleteConfig::Stale);
    assert_eq!(
        delete(last, None).await,
        DeleteConfig::InUse { routes: 1, runs: 2 }
    );
    assert_eq!(delete(first, Some(1)).await, DeleteConfig::Deleted);
    append_ok(h, runs[0].completion()).await;
    assert_eq!(
        delete(last, None).await,
        DeleteConfig::InUse { routes: 0, runs: 1 }
    );
    h.store().intend(runs[1].cancel()).await.unwrap();
    assert_eq!(
        delete(last, None).await,
        DeleteConfig::InUse { routes: 0, runs: 1 }
    );
    append_ok(h, runs[1].completion()).await;
    assert_eq!(delete(last, None).await, DeleteConfig::Deleted);
    assert_eq!(delete(last, None).await, DeleteConfig::Absent);
    assert_eq!(h.store().route(org, last).await.unwrap(), None);
}

/// A repeat gets the first answer; what was refused leaves no key behind.
pub async fn a_route_is_made_once(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /llm-routes");
    let make = |credential| {
        let new = new_route(&tenant, credential);
        h.store().create_route(new, Some(once.clone()), someone())
    };
    let refused = make(CredentialId::generate(now())).await.unwrap();
    assert_eq!(refused, Once::Done(Err(RouteRefusal::NoCredential)));
    let credential = credential(h, &tenant).await;
    assert_eq!(make(credential).await.unwrap(), Once::Done(Ok(())));
    let again = Once::Replayed(once.answer.clone());
    assert_eq!(make(credential).await.unwrap(), again);
    let all = h.store().routes(tenant.org, first_page(9)).await.unwrap();
    assert_eq!(all.items.len(), 1);
}

/// An organisation has no more routes than can be looked through for each run.
pub async fn routes_have_a_limit(h: &Harness) {
    let tenant = tenant(h).await;
    let credential = credential(h, &tenant).await;
    for _ in 0..MAX_ROUTES {
        assert_eq!(refusal(h, new_route(&tenant, credential)).await, None);
    }
    let surplus = refusal(h, new_route(&tenant, credential)).await;
    assert_eq!(surplus, Some(RouteRefusal::TooMany));
}

/// What can't be stored is refused.
pub async fn a_bad_route_is_refused(h: &Harness) {
    let tenant = tenant(h).await;
    let mut bad = new_route(&tenant, credential(h, &tenant).await);
    bad.settings.model.push('\0');
    let refused = h.store().create_route(bad, None, someone()).await;
    assert!(
        matches!(refused, Err(StoreError::Rejected(_))),
        "{refused:?}"
    );
}

/// Each write to an organisation's configuration raises its version; nothing else does.
pub async fn writes_raise_the_version(h: &Harness) {
    let tenants = [tenant(h).await, tenant(h).await];
    let [tenant, stranger] = &tenants;
    let version = |of: &Tenant| {
        let (store, org) = (h.store(), of.org);
        async move { store.config_version(org).await.unwrap() }
    };
    assert_eq!(version(tenant).await, 0);
    let credential = credential(h, tenant).await;
    assert_eq!(version(tenant).await, 1);
    let id = route(h, tenant, credential, None).await;
    assert_eq!(version(tenant).await, 2);
    let settings = RouteSettings::new(credential, "model-2");
    let update = |expected| {
        let settings = settings.clone();
        h.store()
            .update_route(tenant.org, id, expected, settings, now(), someone())
    };
    update(1).await.unwrap();
    assert_eq!(version(tenant).await, 3);
    assert_eq!(update(1).await.unwrap(), Update::Stale);
    assert_eq!(version(tenant).await, 3);
    h.store()
        .delete_route(tenant.org, id, None, someone())
        .await
        .unwrap();
    assert_eq!(version(tenant).await, 4);
    let configured = h.store().configured(tenant.org).await.unwrap();
    assert_eq!((configured.version, configured.routes), (4, vec![]));
    assert_eq!(version(stranger).await, 0);
}
