//! Runs that other runs spawn: their threads, their lists, their keys, their budgets.

use std::sync::Arc;

use runloom_domain::{BudgetScope, MessageId, NanoUsd, RunId, RunStatus, ThreadId};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    CALL_TOKENS, Scene, allowance, append_ok, at_most, budget, call_of, child_of, create, done,
    first_page, idempotency, new_budget, new_run, next_page, now, running, someone, spawn,
    spawn_with, tenant, thread, try_create, types,
};
use crate::{
    Allowance, CreateRun, KeyConflict, LiveLimits, LiveScope, NewBudget, NewRun, Once, ParentRun,
    RunFilter, RunRecord, Spending, StoreError,
};

async fn children(h: &Harness, parent: &Scene) -> Vec<RunRecord> {
    let read = h.store().children(parent.tenant.org, parent.run);
    read.await.unwrap()
}

async fn is_there(h: &Harness, scene: &Scene, thread: ThreadId) -> bool {
    let read = h.store().thread(scene.tenant.org, thread).await;
    read.unwrap().is_some()
}

/// A child's thread is made with it. No list shows it, but who knows its id may read it.
pub async fn a_child_has_a_hidden_thread(h: &Harness) {
    let parent = running(h).await;
    let org = parent.tenant.org;
    let new = NewRun {
        input: Some((MessageId::generate(now()), "look it up".to_owned())),
        ..child_of(&parent)
    };
    let (run, thread) = (new.run_id, new.thread_id);
    create(h, new).await;

    let record = h.store().run(org, run).await.unwrap().unwrap();
    assert_eq!(record.parent_run_id, Some(parent.run));
    assert_eq!(record.thread_id, thread);
    assert_eq!(parent.record(h).await.parent_run_id, None);
    assert_eq!(types(h.store(), org, run).await, ["run.started"]);
    let made = h.store().thread(org, thread).await.unwrap().unwrap();
    assert_eq!(made.title.as_deref(), Some("look it up"));
    assert_eq!(made.created_by, parent.tenant.user);
    assert_eq!(made.active_run_id, Some(run));
    let said = h.store().messages(org, thread, first_page(9), true).await;
    let said = said.unwrap().unwrap().items;
    assert_eq!((said.len(), said[0].position), (1, 1));
    let listed = h.store().threads(org, first_page(9)).await.unwrap();
    let listed: Vec<ThreadId> = listed.items.iter().map(|it| it.thread_id).collect();
    assert_eq!(listed, [parent.thread]);
    // Further runs come after it there.
    assert_eq!(
        try_create(h, new_run(&parent.tenant, thread)).await,
        CreateRun::Busy(run)
    );
}

/// A parent of another organisation is as absent as one that never was; a refusal leaves no
/// thread behind.
pub async fn a_child_needs_a_parent_that_goes_on(h: &Harness) {
    let (parent, foreign) = (running(h).await, running(h).await);
    let spawned_by = |run_id| NewRun {
        parent: Some(ParentRun {
            run_id,
            thread_title: None,
        }),
        ..child_of(&parent)
    };
    let refused = async |new: NewRun| {
        let thread = new.thread_id;
        assert_eq!(try_create(h, new).await, CreateRun::NoParent);
        assert!(!is_there(h, &parent, thread).await);
    };
    refused(spawned_by(RunId::generate(now()))).await;
    refused(spawned_by(foreign.run)).await;
    create(h, spawned_by(parent.run)).await;
    append_ok(h, parent.completion()).await;
    refused(spawned_by(parent.run)).await;
    assert_eq!(children(h, &parent).await.len(), 1);
    assert_eq!(children(h, &foreign).await.len(), 0);
}

/// A thread that is there can't be a child's, and a title that can't be stored makes no child.
pub async fn a_childs_thread_is_new(h: &Harness) {
    let parent = running(h).await;
    let other = thread(h, &parent.tenant).await;
    let taken = NewRun {
        thread_id: other,
        ..child_of(&parent)
    };
    let nul = NewRun {
        parent: Some(ParentRun {
            run_id: parent.run,
            thread_title: Some("a\0b".to_owned()),
        }),
        ..child_of(&parent)
    };
    for new in [taken, nul] {
        let refused = h.store().create_run(new).await;
        assert!(
            matches!(refused, Err(StoreError::Rejected(_))),
            "{refused:?}"
        );
    }
    assert_eq!(children(h, &parent).await, []);
}

/// Oldest first, ended or not, as a single read shows them.
pub async fn the_first_hundred_children_are_read(h: &Harness) {
    let parent = running(h).await;
    let at = now();
    let mut expected = Vec::new();
    for n in 0..101 {
        let new = child_of(&parent);
        // The first of them at the same moment: their ids decide.
        let created_at = if n < 5 { at } else { new.created_at };
        expected.push((created_at, new.run_id));
        create(h, NewRun { created_at, ..new }).await;
    }
    expected.sort_unstable();
    expected.truncate(100);
    let found = children(h, &parent).await;
    let keys: Vec<_> = found.iter().map(|it| (it.created_at, it.run_id)).collect();
    assert_eq!(keys, expected);
    let first = h.store().run(parent.tenant.org, found[0].run_id).await;
    assert_eq!(first.unwrap().as_ref(), found.first());

    let other = running(h).await;
    let foreign = h.store().children(other.tenant.org, parent.run).await;
    assert_eq!(foreign.unwrap(), []);
    let ended = spawn(h, &other).await;
    append_ok(h, ended.completion()).await;
    assert_eq!(children(h, &other).await[0].status, RunStatus::Completed);
}

/// An organisation's list is without children; one of a thread or of a parent shows them.
pub async fn lists_leave_children_out(h: &Harness) {
    let parent = running(h).await;
    let tenant = &parent.tenant;
    let mut spawned = Vec::new();
    for _ in 0..3 {
        spawned.insert(0, spawn(h, &parent).await);
    }
    append_ok(h, spawned[1].completion()).await;
    let of = |n: usize| spawned[n].run;
    let list = async |org, filter: RunFilter, limit| {
        let page = h.store().runs(org, filter, first_page(limit)).await;
        let runs = page.unwrap().items;
        runs.iter().map(|run| run.run_id).collect::<Vec<_>>()
    };
    let all = RunFilter::default();
    let running = RunFilter {
        statuses: vec![RunStatus::Running, RunStatus::Completed],
        ..RunFilter::default()
    };
    let mine = RunFilter {
        created_by: Some(tenant.user),
        ..RunFilter::default()
    };
    for filter in [all, running.clone(), mine] {
        assert_eq!(list(tenant.org, filter.clone(), 9).await, [parent.run]);
        assert_eq!(list(tenant.org, filter, 1).await, [parent.run]);
    }
    let of_thread = RunFilter {
        thread_id: Some(spawned[0].thread),
        ..RunFilter::default()
    };
    assert_eq!(list(tenant.org, of_thread, 9).await, [of(0)]);
    let of_parent = RunFilter {
        parent_run_id: Some(parent.run),
        ..RunFilter::default()
    };
    let newest_first = [of(0), of(1), of(2)];
    assert_eq!(list(tenant.org, of_parent.clone(), 9).await, newest_first);
    let live = RunFilter {
        statuses: vec![RunStatus::Running],
        ..of_parent.clone()
    };
    assert_eq!(list(tenant.org, live, 9).await, [of(0), of(2)]);
    let first = h.store().runs(tenant.org, of_parent.clone(), first_page(2));
    let rest = next_page(&first.await.unwrap(), 2);
    let rest = h.store().runs(tenant.org, of_parent.clone(), rest).await;
    assert_eq!(rest.unwrap().items[0].run_id, of(2));
    let stranger = super::fixtures::tenant(h).await;
    assert_eq!(list(stranger.org, of_parent, 9).await, []);
}

/// The key of a spawn leads to the child that it made, also when the parent has ended since.
pub async fn a_repeat_finds_the_same_child(h: &Harness) {
    let parent = running(h).await;
    let once = idempotency(&parent.tenant, "spawn_agent");
    let new = || NewRun {
        once: Some(once.clone()),
        ..child_of(&parent)
    };
    let first = new();
    let run = first.run_id;
    create(h, first).await;
    for _ in 0..2 {
        let again = new();
        let thread = again.thread_id;
        let answer = h.store().create_run(again).await.unwrap();
        assert_eq!(answer, Once::Replayed(once.answer.clone()));
        assert!(!is_there(h, &parent, thread).await);
        append_ok(h, parent.deltas(1)).await;
    }
    append_ok(h, parent.completion()).await;
    let answer = h.store().create_run(new()).await.unwrap();
    assert_eq!(answer, Once::Replayed(once.answer.clone()));
    let found = children(h, &parent).await;
    assert_eq!((found.len(), found[0].run_id), (1, run));
}

/// One key makes one child with one thread, whoever is first, and a refused spawn keeps none.
pub async fn racing_spawns_make_one_child(h: &Harness) {
    const TWINS: usize = 8;
    let parent = running(h).await;
    let once = idempotency(&parent.tenant, "spawn_agent");
    let barrier = Arc::new(Barrier::new(TWINS));
    let shared = ThreadId::generate(now());
    let (mut twins, mut threads) = (JoinSet::new(), vec![shared]);
    for n in 0..TWINS {
        let (store, barrier) = (h.shared(), Arc::clone(&barrier));
        let mut new = NewRun {
            once: Some(once.clone()),
            ..child_of(&parent)
        };
        // Half of them as a spawner does whose ids follow from the key.
        if n % 2 == 0 {
            new.thread_id = shared;
        } else {
            threads.push(new.thread_id);
        }
        twins.spawn(async move {
            barrier.wait().await;
            store.create_run(new).await.unwrap()
        });
    }
    let mut created = 0;
    for answer in twins.join_all().await {
        match answer {
            Once::Done(CreateRun::Created(_)) => created += 1,
            Once::Replayed(answer) => assert_eq!(answer, once.answer),
            Once::Conflict(KeyConflict::InProgress) => {}
            other => panic!("a twin can't come to {other:?}"),
        }
    }
    assert_eq!(created, 1);
    let found = children(h, &parent).await;
    assert_eq!(found.len(), 1);
    for thread in threads {
        let is_its = thread == found[0].thread_id;
        assert_eq!(is_there(h, &parent, thread).await, is_its);
    }
}

/// They are live runs of their organisation as any.
pub async fn children_count_as_live_runs(h: &Harness) {
    let parent = running(h).await;
    let limited = || NewRun {
        max_live_runs: LiveLimits {
            org: Some(2),
            ..LiveLimits::default()
        },
        ..child_of(&parent)
    };
    create(h, limited()).await;
    let refused = limited();
    let thread = refused.thread_id;
    assert_eq!(
        try_create(h, refused).await,
        CreateRun::TooManyLive(LiveScope::Org)
    );
    assert!(!is_there(h, &parent, thread).await);
}

fn unmetered(credits: i64) -> Allowance {
    Allowance {
        metered: false,
        ..allowance(credits, 1)
    }
}

fn of_thread(parent: &Scene, thread: ThreadId, credits: i64) -> NewBudget {
    NewBudget {
        scope: BudgetScope::Thread,
        scope_id: Some(thread.to_string()),
        ..new_budget(&parent.tenant, at_most(credits))
    }
}

/// What has been spent of a budget, and what is held of it, in nano-dollars.
async fn standing(h: &Harness, scene: &Scene, new: NewBudget) -> (Spending, i64) {
    let id = budget(h, new).await;
    let read = h.store().budget(scene.tenant.org, id, now()).await;
    let record = read.unwrap().unwrap();
    (record.spent, record.reserved.cost.as_nanos())
}

/// The budget of a thread counts what is spawned from its runs, however deep.
pub async fn a_child_counts_in_its_roots_thread(h: &Harness) {
    let root = running(h).await;
    let id = budget(h, of_thread(&root, root.thread, 5)).await;
    let held = async || {
        let read = h.store().budget(root.tenant.org, id, now()).await;
        let record = read.unwrap().unwrap();
        (record.spent.cost, record.reserved.cost)
    };
    let credits = |credits: i64| NanoUsd::from_nanos(credits * 1_000_000);
    let child = spawn_with(h, &root, unmetered(3)).await;
    assert_eq!(held().await, (NanoUsd::ZERO, credits(3)));
    let grandchild = spawn_with(h, &child, unmetered(3)).await;
    assert_eq!(held().await, (NanoUsd::ZERO, credits(5)));
    let further = NewRun {
        allowance: unmetered(1),
        ..child_of(&grandchild)
    };
    match try_create(h, further).await {
        CreateRun::NoBudget(name) => assert_eq!(name.budget_id, id),
        other => panic!("there is nothing left for it: {other:?}"),
    }
    grandchild.charge(h, call_of(1, 1)).await;
    grandchild.end(h, 1).await;
    assert_eq!(held().await, (credits(1), credits(3)));
    // Others don't count there.
    spawn_with(h, &running(h).await, unmetered(1)).await;
    let own = new_run(&root.tenant, thread(h, &root.tenant).await);
    create(h, own).await;
    assert_eq!(held().await, (credits(1), credits(3)));
}

/// A budget that is made later knows what was used by what was spawned from the thread's runs,
/// and one for a child's own thread what was used there.
pub async fn a_new_budget_knows_what_children_used(h: &Harness) {
    let root = running(h).await;
    let child = spawn(h, &root).await;
    let grandchild = spawn(h, &child).await;
    root.charge(h, call_of(1, 1)).await;
    child.charge(h, call_of(1, 2)).await;
    grandchild.charge(h, call_of(1, 4)).await;
    let used = |credits: i64, calls: u64| Spending {
        cost: NanoUsd::from_nanos(credits * 1_000_000),
        tokens: calls * CALL_TOKENS,
    };
    for (thread, spent) in [
        (root.thread, used(7, 3)),
        (child.thread, used(2, 1)),
        (grandchild.thread, used(4, 1)),
    ] {
        let new = of_thread(&root, thread, 9);
        assert_eq!(standing(h, &root, new).await, (spent, 0));
    }
    let stranger = tenant(h).await;
    let foreign = NewBudget {
        org_id: stranger.org,
        ..of_thread(&root, root.thread, 9)
    };
    let id = foreign.budget_id;
    done(
        h.store()
            .create_budget(foreign, None, someone())
            .await
            .unwrap(),
    );
    let read = h.store().budget(stranger.org, id, now()).await;
    assert_eq!(read.unwrap().unwrap().spent, Spending::default());
}
