//! Lists of runs.

use std::time::Duration;

use runloom_domain::{RunId, RunStatus, ThreadId, UserId};

use super::Harness;
use super::fixtures::{
    Scene, Tenant, append_ok, create, ended, event, first_page, new_run, next_page, node, now,
    running_for, tenant, thread,
};
use crate::{NewRun, Page, Projection, RunFilter, RunRecord, Wake};

async fn list(h: &Harness, tenant: &Tenant, filter: RunFilter) -> Vec<RunId> {
    let page = h
        .store()
        .runs(tenant.org, filter, first_page(200))
        .await
        .unwrap();
    assert_eq!(page.next, None);
    page.items.iter().map(|run| run.run_id).collect()
}

/// Ids that are made in the same millisecond are in no order.
async fn a_moment_later() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

/// Newest first, of the organisation alone.
pub async fn runs_are_listed_newest_first(h: &Harness) {
    let (own, foreign) = (tenant(h).await, tenant(h).await);
    let mut expected = Vec::new();
    for _ in 0..3 {
        let new = new_run(&own, thread(h, &own).await);
        expected.insert(0, new.run_id);
        create(h, new).await;
    }
    assert_eq!(list(h, &own, RunFilter::default()).await, expected);
    assert_eq!(list(h, &foreign, RunFilter::default()).await, []);
}

/// By thread, by creator, by status, and by all of them.
pub async fn filters_narrow_a_list(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut scenes = Vec::new();
    for _ in 0..4 {
        scenes.push(running_for(h, &tenant, node).await);
        a_moment_later().await;
    }
    append_ok(h, scenes[0].completion()).await;
    let failed = scenes[1].change(vec![event("run.failed")], ended(RunStatus::Failed));
    append_ok(h, failed).await;
    let wait = Projection {
        status: Some(RunStatus::WaitingForInput),
        release: Some(Wake::Never),
        ..Projection::default()
    };
    append_ok(
        h,
        scenes[2].change(vec![event("run.waiting_for_input")], wait),
    )
    .await;

    let by_status = |statuses: &[RunStatus]| RunFilter {
        statuses: statuses.to_vec(),
        ..RunFilter::default()
    };
    let runs = |wanted: &[usize]| wanted.iter().map(|n| scenes[*n].run).collect::<Vec<_>>();
    let ends = by_status(&[RunStatus::Completed, RunStatus::Failed]);
    assert_eq!(list(h, &tenant, ends.clone()).await, runs(&[1, 0]));
    let waiting = by_status(&[RunStatus::WaitingForInput]);
    assert_eq!(list(h, &tenant, waiting).await, runs(&[2]));
    assert_eq!(list(h, &tenant, by_status(&[RunStatus::Queued])).await, []);
    assert_eq!(
        list(h, &tenant, by_status(&RunStatus::ALL)).await,
        runs(&[3, 2, 1, 0])
    );

    let thread_id = Some(scenes[0].thread);
    let of_thread = RunFilter {
        thread_id,
        ..RunFilter::default()
    };
    assert_eq!(list(h, &tenant, of_thread).await, runs(&[0]));
    let created_by = Some(tenant.user);
    let all = RunFilter {
        thread_id,
        created_by,
        ..ends
    };
    assert_eq!(list(h, &tenant, all).await, runs(&[0]));
    let nobody = RunFilter {
        created_by: Some(UserId::generate(now())),
        ..RunFilter::default()
    };
    assert_eq!(list(h, &tenant, nobody).await, []);
    let nowhere = RunFilter {
        thread_id: Some(ThreadId::generate(now())),
        ..RunFilter::default()
    };
    assert_eq!(list(h, &tenant, nowhere).await, []);
}

/// Paging neither skips nor repeats a run while others are added, also when times are equal.
pub async fn cursors_hold_while_runs_are_added(h: &Harness) {
    let tenant = tenant(h).await;
    let at = now();
    let mut expected = Vec::new();
    for n in 0..7 {
        let new = new_run(&tenant, thread(h, &tenant).await);
        // Five of them at the same moment: their ids decide.
        let created_at = if n < 5 { at } else { new.created_at };
        expected.push((created_at, new.run_id));
        create(h, NewRun { created_at, ..new }).await;
    }
    expected.sort_unstable();
    expected.reverse();
    let mut page = first_page(2);
    let mut found = Vec::new();
    loop {
        let read = h
            .store()
            .runs(tenant.org, RunFilter::default(), page)
            .await
            .unwrap();
        assert!(read.items.len() <= 2);
        found.extend(read.items.iter().map(|run| (run.created_at, run.run_id)));
        if read.next.is_none() {
            break;
        }
        page = next_page(&read, 2);
        create(h, new_run(&tenant, thread(h, &tenant).await)).await;
    }
    assert_eq!(found, expected);
}

/// A list of several statuses pages through each run once, in the order of ids, while runs come
/// and change.
pub async fn a_list_by_status_goes_by_id(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut expected = Vec::new();
    for n in 0..9 {
        let scene = running_for(h, &tenant, node).await;
        if n % 3 == 0 {
            append_ok(h, scene.completion()).await;
        }
        if n % 3 == 1 {
            let failed = scene.change(vec![event("run.failed")], ended(RunStatus::Failed));
            append_ok(h, failed).await;
        } else {
            expected.push(scene.run);
        }
    }
    expected.sort_unstable();
    expected.reverse();
    let filter = RunFilter {
        statuses: vec![RunStatus::Completed, RunStatus::Running],
        ..RunFilter::default()
    };
    let mut page = first_page(2);
    let mut found = Vec::new();
    loop {
        let read = h.store().runs(tenant.org, filter.clone(), page).await;
        let read = read.unwrap();
        assert!(read.items.len() <= 2);
        found.extend(read.items.iter().map(|run| run.run_id));
        if read.next.is_none() {
            break;
        }
        page = next_page(&read, 2);
        a_moment_later().await;
        running_for(h, &tenant, node).await;
    }
    assert_eq!(found, expected);
}

/// A page that is just full is the last when nothing follows.
pub async fn a_full_last_page_has_no_next(h: &Harness) {
    let tenant = tenant(h).await;
    for _ in 0..2 {
        create(h, new_run(&tenant, thread(h, &tenant).await)).await;
    }
    let read = |limit| {
        let (store, org) = (h.store(), tenant.org);
        async move {
            store
                .runs(org, RunFilter::default(), first_page(limit))
                .await
                .unwrap()
        }
    };
    assert!(read(2).await.next.is_none());
    let first = read(1).await;
    let last: Page = next_page(&first, 1);
    let last = h
        .store()
        .runs(tenant.org, RunFilter::default(), last)
        .await
        .unwrap();
    assert_eq!((last.items.len(), last.next), (1, None));
}

/// A list shows what a single read shows.
pub async fn a_list_shows_whole_rows(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let scene: Scene = running_for(h, &tenant, node).await;
    append_ok(h, scene.completion()).await;
    let read: RunRecord = h.store().run(tenant.org, scene.run).await.unwrap().unwrap();
    let page = h
        .store()
        .runs(tenant.org, RunFilter::default(), first_page(9))
        .await
        .unwrap();
    assert_eq!(page.items, [read]);
}
