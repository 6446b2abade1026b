//! An organisation's credits: what comes and goes, and what runs hold of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runloom_domain::{CreditTerms, Multiplier, NanoUsd, OrgId, RunStatus};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    Tenant, allowance, append, begin, call_of, create, credits_of, done, ended, ending, entry,
    event, first_page, idempotency, limited, next_page, now, someone, tenant, top_up, try_create,
};
use crate::{
    Allowance, Appended, CreateRun, CreditEntry, CreditKind, Held, Intended, Intent, NewRun, Once,
    Projection, Remaining, Wake,
};

/// The newest entries.
async fn entries(h: &Harness, tenant: &Tenant) -> Vec<CreditEntry> {
    let page = h.store().credit_entries(tenant.org, first_page(100)).await;
    page.unwrap().items
}

/// What may still be spent, in credits.
fn of_credits(credits: i64) -> Remaining {
    Remaining {
        cost: Some(NanoUsd::from_nanos(credits * 1_000_000)),
        output_tokens: None,
    }
}

/// Entries come back as they were made, and the balance is their sum.
pub async fn entries_make_the_balance(h: &Harness) {
    let tenant = tenant(h).await;
    assert_eq!(credits_of(h, &tenant).await, (0, 0));
    let bought = CreditEntry {
        note: Some("invoice “7”".to_owned()),
        created_by: Some(tenant.user),
        ..entry(CreditKind::TopUp, 500)
    };
    let put_right = entry(CreditKind::Adjust, -700);
    for entry in [&bought, &put_right] {
        let added = h
            .store()
            .add_credits(tenant.org, entry.clone(), None, someone());
        assert!(done(added.await.unwrap()));
    }
    assert_eq!(credits_of(h, &tenant).await, (-200, 0));
    assert_eq!(entries(h, &tenant).await, [put_right, bought]);
}

/// Entries are listed in pages, newest first.
pub async fn entries_are_listed(h: &Harness) {
    let tenant = tenant(h).await;
    for credits in 1..=3 {
        top_up(h, &tenant, credits).await;
    }
    let page = |page| h.store().credit_entries(tenant.org, page);
    let credits = |of: &[CreditEntry]| of.iter().map(|e| e.credits).collect::<Vec<_>>();
    let first = page(first_page(2)).await.unwrap();
    top_up(h, &tenant, 4).await;
    let last = page(next_page(&first, 2)).await.unwrap();
    assert_eq!(
        (credits(&first.items), credits(&last.items)),
        (vec![3, 2], vec![1])
    );
    assert_eq!(last.next, None);
}

/// A top-up with a key happens once, and twins that race are one.
pub async fn a_top_up_happens_once(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /v1/credits:topup");
    let mut twins = JoinSet::new();
    for _ in 0..4 {
        let (store, org, once) = (h.shared(), tenant.org, once.clone());
        let entry = entry(CreditKind::TopUp, 10);
        twins.spawn(async move {
            store
                .add_credits(org, entry, Some(once), someone())
                .await
                .unwrap()
        });
    }
    let outcomes = twins.join_all().await;
    let made = outcomes.iter().filter(|it| matches!(it, Once::Done(true)));
    assert_eq!(made.count(), 1, "{outcomes:?}");
    assert_eq!(credits_of(h, &tenant).await, (10, 0));
}

/// Where credits aren't needed, a run neither reserves nor moves any, and asks for nothing.
pub async fn an_organisation_without_credits_runs(h: &Harness) {
    let tenant = tenant(h).await;
    let free = Allowance {
        metered: false,
        ..allowance(10, 10)
    };
    let told = Arc::new(AtomicBool::new(true));
    let tells = Arc::clone(&told);
    let new = limited(h, &tenant, free).await;
    let event = event("run.started");
    create(
        h,
        NewRun {
            first_event: Box::new(move |_, budgeted| {
                tells.store(budgeted, Ordering::SeqCst);
                event.clone()
            }),
            ..new
        },
    )
    .await;
    assert!(!told.load(Ordering::SeqCst));
    let scene = begin(h, &tenant, free).await;
    let remaining = h.store().remaining(tenant.org, scene.run).await.unwrap();
    assert_eq!(remaining, Remaining::default());
    scene.end(h, 7).await;
    assert_eq!(credits_of(h, &tenant).await, (0, 0));
    assert!(entries(h, &tenant).await.is_empty());
}

/// A run holds its credits until it ends; then it is charged what it cost.
pub async fn a_run_holds_credits_until_its_end(h: &Harness) {
    let tenant = tenant(h).await;
    top_up(h, &tenant, 100).await;
    let scene = begin(h, &tenant, allowance(40, 0)).await;
    assert_eq!(credits_of(h, &tenant).await, (100, 40));
    scene.end(h, 7).await;
    assert_eq!(credits_of(h, &tenant).await, (93, 0));
    let entry = entries(h, &tenant).await.remove(0);
    assert_eq!((entry.kind, entry.credits), (CreditKind::Run, -7));
    assert_eq!(entry.run_id, Some(scene.run));
    assert_eq!(entry.created_by, None);
    let record = scene.record(h).await;
    assert_eq!(
        (record.credits_used, record.ended_at),
        (Some(7), Some(entry.created_at))
    );
}

/// A person's intent that ends a run settles it too.
pub async fn an_intent_settles_a_run(h: &Harness) {
    let tenant = tenant(h).await;
    top_up(h, &tenant, 100).await;
    let scene = begin(h, &tenant, allowance(40, 0)).await;
    let mut cancelled = ended(RunStatus::Cancelled);
    cancelled.release = Some(Wake::Never);
    let intent = Intent {
        events: vec![event("run.cancelled")],
        ..scene.intent("", cancelled)
    };
    let outcome = h.store().intend(intent).await.unwrap();
    assert!(matches!(outcome, Intended::Applied { .. }), "{outcome:?}");
    assert_eq!(credits_of(h, &tenant).await, (97, 0));
    assert_eq!(entries(h, &tenant).await.remove(0).credits, -3);
}

/// Without the credits that a run has to reserve it isn't created, and nothing is left of it.
pub async fn without_credits_nothing_is_created(h: &Harness) {
    let tenant = tenant(h).await;
    let new = limited(h, &tenant, allowance(10, 0)).await;
    assert_eq!(try_create(h, new).await, CreateRun::NoCredit);
    top_up(h, &tenant, 15).await;
    let once = idempotency(&tenant, "POST");
    let keyed = |new| NewRun {
        once: Some(once.clone()),
        ..new
    };
    let first = limited(h, &tenant, allowance(10, 0)).await;
    create(h, keyed(first)).await;
    let second = limited(h, &tenant, allowance(10, 0)).await;
    let (thread, run) = (second.thread_id, second.run_id);
    assert_eq!(try_create(h, second).await, CreateRun::NoCredit);
    assert_eq!(h.store().head(tenant.org, run).await.unwrap(), None);
    let read = h.store().thread(tenant.org, thread).await.unwrap().unwrap();
    assert_eq!(read.active_run_id, None);
    assert_eq!(credits_of(h, &tenant).await, (15, 10));
    // A repeat gets its answer all the same.
    let repeat = limited(h, &tenant, allowance(10, 0)).await;
    let again = h.store().create_run(keyed(repeat)).await.unwrap();
    assert!(matches!(again, Once::Replayed(_)), "{again:?}");
    assert_eq!(credits_of(h, &tenant).await, (15, 10));
}

/// Of many creations at once as many are let in as there is credit for.
pub async fn racing_runs_share_the_credits(h: &Harness) {
    const RUNS: usize = 100;
    let tenant = tenant(h).await;
    top_up(h, &tenant, 109).await;
    let start = Arc::new(Barrier::new(RUNS));
    let mut creations = JoinSet::new();
    for _ in 0..RUNS {
        let new = limited(h, &tenant, allowance(10, 0)).await;
        let (store, start) = (h.shared(), Arc::clone(&start));
        creations.spawn(async move {
            start.wait().await;
            done(store.create_run(new).await.unwrap())
        });
    }
    let outcomes = creations.join_all().await;
    let created = |outcome: &&CreateRun| matches!(outcome, CreateRun::Created(_));
    assert_eq!(outcomes.iter().filter(created).count(), 10);
    let refused = outcomes.iter().filter(|it| **it == CreateRun::NoCredit);
    assert_eq!(refused.count(), RUNS - 10);
    assert_eq!(credits_of(h, &tenant).await, (109, 100));
}

/// Runs of one organisation that end in one batch, and of others beside them.
pub async fn ends_of_a_batch_are_all_settled(h: &Harness) {
    let tenants = [tenant(h).await, tenant(h).await];
    let mut batch = Vec::new();
    for tenant in &tenants {
        top_up(h, tenant, 100).await;
        for _ in 0..3 {
            let scene = begin(h, tenant, allowance(20, 0)).await;
            batch.push(scene.change(vec![event("run.completed")], ending(5)));
        }
    }
    let outcomes = h.store().append(batch).await.unwrap();
    let committed = |it: &Appended| matches!(it, Appended::Committed { .. });
    assert!(outcomes.iter().all(committed), "{outcomes:?}");
    for tenant in &tenants {
        assert_eq!(credits_of(h, tenant).await, (85, 0));
        assert_eq!(entries(h, tenant).await.len(), 4);
    }
}

/// An end never depends on the balance: what a run cost beyond its reservation, however absurd,
/// takes the balance below zero, and then nobody can begin.
pub async fn a_run_may_end_beyond_its_credits(h: &Harness) {
    let tenant = tenant(h).await;
    top_up(h, &tenant, 10).await;
    let scene = begin(h, &tenant, allowance(10, 0)).await;
    scene.end(h, 25).await;
    assert_eq!(credits_of(h, &tenant).await, (-15, 0));
    let new = limited(h, &tenant, allowance(1, 0)).await;
    assert_eq!(try_create(h, new).await, CreateRun::NoCredit);
    top_up(h, &tenant, 30).await;
    for _ in 0..2 {
        let scene = begin(h, &tenant, allowance(0, 0)).await;
        scene.end(h, i64::MAX).await;
    }
    let (credits, reserved) = credits_of(h, &tenant).await;
    assert!(credits <= -9_000_000_000_000_000_000, "{credits}");
    assert_eq!(reserved, 0);
}

/// An organisation's own rule counts for more than the deployment's, for the runs created
/// from then on.
pub async fn an_organisation_may_have_its_own_rule(h: &Harness) {
    let tenant = tenant(h).await;
    let metered = async || h.store().balance(tenant.org).await.unwrap().metered;
    assert_eq!(metered().await, None);
    for (rule, by_default, created) in [(false, true, true), (true, false, false)] {
        let set = h
            .store()
            .set_metered(tenant.org, Some(rule), someone())
            .await;
        assert!(set.unwrap());
        assert_eq!(metered().await, Some(rule));
        let allowance = Allowance {
            metered: by_default,
            ..allowance(10, 0)
        };
        let new = limited(h, &tenant, allowance).await;
        let outcome = try_create(h, new).await;
        assert_eq!(
            matches!(outcome, CreateRun::Created(_)),
            created,
            "{outcome:?}"
        );
    }
    assert!(
        h.store()
            .set_metered(tenant.org, None, someone())
            .await
            .unwrap()
    );
    assert_eq!(metered().await, None);
    let unknown = OrgId::generate(now());
    assert!(
        !h.store()
            .set_metered(unknown, Some(true), someone())
            .await
            .unwrap()
    );
    let entry = entry(CreditKind::TopUp, 1);
    let added = h
        .store()
        .add_credits(unknown, entry, None, someone())
        .await
        .unwrap();
    assert!(!done(added));
}

/// What remains is what was reserved without what calls have cost, by the factor that makes most
/// credits of it.
pub async fn what_remains_is_what_was_not_spent(h: &Harness) {
    let tenant = tenant(h).await;
    top_up(h, &tenant, 100).await;
    let terms = CreditTerms {
        multiplier: Multiplier::from_thousandths(2_000),
        ..CreditTerms::default()
    };
    let doubled = Allowance {
        terms,
        ..allowance(40, 0)
    };
    let scene = begin(h, &tenant, doubled).await;
    let remaining = async || h.store().remaining(tenant.org, scene.run).await.unwrap();
    assert_eq!(remaining().await, of_credits(20));
    scene.charge(h, call_of(1, 30)).await;
    assert_eq!(remaining().await, of_credits(5));
    scene.charge(h, call_of(2, 11)).await;
    assert_eq!(remaining().await, of_credits(0));
    assert_eq!(credits_of(h, &tenant).await, (100, 40));
    scene.end(h, 41).await;
    assert_eq!(remaining().await, Remaining::default());
    assert_eq!(credits_of(h, &tenant).await, (59, 0));
}

/// A creation tells what the first step may use, unless there may be more by then.
pub async fn a_creation_tells_what_its_first_step_may_use(h: &Harness) {
    let tenant = tenant(h).await;
    top_up(h, &tenant, 30).await;
    let grows = Allowance {
        credits: Held {
            amount: 20,
            step: 20,
        },
        ..allowance(0, 0)
    };
    for granted in [Some(of_credits(20)), None] {
        let new = limited(h, &tenant, grows).await;
        assert_eq!(create(h, new).await.granted, granted);
    }
}

/// A run whose allowance grows reserves more before a step, as long as there is more.
pub async fn a_step_reserves_more(h: &Harness) {
    let tenant = tenant(h).await;
    top_up(h, &tenant, 50).await;
    let grows = Allowance {
        credits: Held {
            amount: 20,
            step: 20,
        },
        ..allowance(0, 0)
    };
    let scene = begin(h, &tenant, grows).await;
    let other = begin(h, &tenant, allowance(5, 0)).await;
    let remaining = async || h.store().remaining(tenant.org, scene.run).await.unwrap();
    assert_eq!(remaining().await, of_credits(20));
    scene.charge(h, call_of(1, 15)).await;
    assert_eq!(remaining().await, of_credits(20));
    assert_eq!(credits_of(h, &tenant).await, (50, 40));
    scene.charge(h, call_of(2, 18)).await;
    // Of 50 credits 33 are spent and 5 are the other run's.
    assert_eq!(remaining().await, of_credits(12));
    assert_eq!(remaining().await, of_credits(12));
    assert_eq!(credits_of(h, &tenant).await, (50, 50));
    scene.end(h, 33).await;
    other.end(h, 0).await;
    assert_eq!(credits_of(h, &tenant).await, (17, 0));
}

/// Runs that begin a step at the same moment never hold more than there is.
pub async fn racing_steps_share_the_credits(h: &Harness) {
    const RUNS: usize = 8;
    let tenant = tenant(h).await;
    top_up(h, &tenant, 100).await;
    let grows = Allowance {
        credits: Held {
            amount: 10,
            step: 30,
        },
        ..allowance(0, 0)
    };
    let start = Arc::new(Barrier::new(RUNS));
    let mut steps = JoinSet::new();
    for _ in 0..RUNS {
        let scene = begin(h, &tenant, grows).await;
        let (store, start, org) = (h.shared(), Arc::clone(&start), tenant.org);
        steps.spawn(async move {
            start.wait().await;
            let remaining = store.remaining(org, scene.run).await.unwrap();
            remaining.cost.unwrap().as_nanos() / 1_000_000
        });
    }
    let held: i64 = steps.join_all().await.into_iter().sum();
    assert_eq!(held, 100);
    assert_eq!(credits_of(h, &tenant).await, (100, 100));
}

/// An end that the database refuses leaves what was held.
pub async fn a_refused_end_settles_nothing(h: &Harness) {
    let tenant = tenant(h).await;
    top_up(h, &tenant, 100).await;
    let scene = begin(h, &tenant, allowance(40, 0)).await;
    let bad = Projection {
        calls: vec![call_of(1, 1), call_of(1, 1)],
        ..ending(5)
    };
    let refused = append(h, scene.change(vec![event("run.completed")], bad)).await;
    assert!(matches!(refused, Appended::Invalid { .. }), "{refused:?}");
    assert_eq!(credits_of(h, &tenant).await, (100, 40));
    assert_eq!(entries(h, &tenant).await.len(), 1);
}

/// A run that may get more later begins with the last that there is; one that would need all
/// of it doesn't.
pub async fn the_last_credits_may_be_few(h: &Harness) {
    let tenant = tenant(h).await;
    top_up(h, &tenant, 30).await;
    let whole = limited(h, &tenant, allowance(40, 0)).await;
    assert_eq!(try_create(h, whole).await, CreateRun::NoCredit);
    let grows = Allowance {
        credits: Held {
            amount: 20,
            step: 20,
        },
        ..allowance(0, 0)
    };
    begin(h, &tenant, grows).await;
    let second = begin(h, &tenant, grows).await;
    assert_eq!(credits_of(h, &tenant).await, (30, 30));
    let remaining = h.store().remaining(tenant.org, second.run).await.unwrap();
    assert_eq!(remaining, of_credits(10));
    let third = limited(h, &tenant, grows).await;
    assert_eq!(try_create(h, third).await, CreateRun::NoCredit);
}
