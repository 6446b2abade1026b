//! Threads.

use runloom_domain::{RunStatus, ThreadId};

use super::Harness;
use super::fixtures::{
    append_ok, create, done, ended, event, first_page, new_message, new_run, new_thread, next_page,
    now, running, someone, tenant, thread,
};
use crate::{
    DeleteThread, Intent, NewRun, NewThread, OnBusy, Once, StoreError, ThreadPatch, ThreadRecord,
};

/// A thread comes back as it was made.
pub async fn a_thread_is_made_and_read(h: &Harness) {
    let tenant = tenant(h).await;
    let new = NewThread {
        title: Some("On bees".to_owned()),
        metadata: Some(r#"{"a":1}"#.to_owned()),
        ..new_thread(&tenant)
    };
    let expected = ThreadRecord {
        thread_id: new.thread_id,
        org_id: tenant.org,
        created_by: tenant.user,
        title: new.title.clone(),
        metadata: new.metadata.clone(),
        created_at: new.created_at,
        active_run_id: None,
    };
    let again = new.clone();
    done(h.store().create_thread(new, None).await.unwrap());
    let read = h
        .store()
        .thread(tenant.org, expected.thread_id)
        .await
        .unwrap();
    assert_eq!(read, Some(expected.clone()));
    let page = h.store().threads(tenant.org, first_page(9)).await.unwrap();
    assert_eq!((page.items, page.next), (vec![expected], None));

    let missing = h
        .store()
        .thread(tenant.org, ThreadId::generate(now()))
        .await
        .unwrap();
    assert_eq!(missing, None);
    let refused = h.store().create_thread(again, None).await;
    assert!(
        matches!(refused, Err(StoreError::Rejected(_))),
        "{refused:?}"
    );
}

/// A patch changes what it names and leaves the rest.
pub async fn a_patch_changes_what_it_names(h: &Harness) {
    let tenant = tenant(h).await;
    let id = thread(h, &tenant).await;
    let set = |text: &str| Some(Some(text.to_owned()));
    let steps = [
        (ThreadPatch::default(), (None, None)),
        (
            ThreadPatch {
                title: set("t"),
                metadata: None,
            },
            (Some("t"), None),
        ),
        (
            ThreadPatch {
                title: None,
                metadata: set("{}"),
            },
            (Some("t"), Some("{}")),
        ),
        (
            ThreadPatch {
                title: Some(None),
                metadata: None,
            },
            (None, Some("{}")),
        ),
        (
            ThreadPatch {
                title: set("u"),
                metadata: Some(None),
            },
            (Some("u"), None),
        ),
    ];
    for (patch, expected) in steps {
        let changed = h
            .store()
            .update_thread(tenant.org, id, patch)
            .await
            .unwrap();
        let read = h.store().thread(tenant.org, id).await.unwrap();
        assert_eq!(changed, read);
        let read = read.unwrap();
        assert_eq!((read.title.as_deref(), read.metadata.as_deref()), expected);
    }
    let missing = ThreadId::generate(now());
    let changed = h
        .store()
        .update_thread(tenant.org, missing, ThreadPatch::default())
        .await;
    assert_eq!(changed.unwrap(), None);
}

/// A thread in which a run goes on is not deleted: the runs are named, the last one first.
pub async fn a_thread_outlives_its_runs(h: &Harness) {
    let scene = running(h).await;
    let (store, org, id) = (h.store(), scene.tenant.org, scene.thread);
    let mut queued = Vec::new();
    for _ in 0..3 {
        let new = NewRun {
            on_busy: OnBusy::Enqueue { max_queued: 3 },
            ..new_run(&scene.tenant, id)
        };
        queued.push(new.run_id);
        create(h, new).await;
    }
    let cancelled = |run_id| Intent {
        run_id,
        expect_status: RunStatus::Queued,
        ..scene.intent("run.cancelled", ended(RunStatus::Cancelled))
    };
    store.intend(cancelled(queued[1])).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            store
                .delete_thread(org, id, now(), someone())
                .await
                .unwrap(),
            DeleteThread::Open(vec![queued[2], queued[0], scene.run])
        );
        let read = store.thread(org, id).await.unwrap();
        assert_eq!(read.and_then(|read| read.active_run_id), Some(scene.run));
    }
    store.intend(cancelled(queued[0])).await.unwrap();
    store.intend(cancelled(queued[2])).await.unwrap();
    assert_eq!(
        store
            .delete_thread(org, id, now(), someone())
            .await
            .unwrap(),
        DeleteThread::Open(vec![scene.run])
    );
}

/// A deleted thread is absent everywhere; a run whose end was asked for before may still end.
pub async fn a_deleted_thread_is_absent(h: &Harness) {
    let scene = running(h).await;
    let (store, org, id) = (h.store(), scene.tenant.org, scene.thread);
    store.intend(scene.cancel()).await.unwrap();
    assert_eq!(
        store
            .delete_thread(org, id, now(), someone())
            .await
            .unwrap(),
        DeleteThread::Deleted
    );
    assert_eq!(store.thread(org, id).await.unwrap(), None);
    assert!(
        store
            .threads(org, first_page(9))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let patched = store
        .update_thread(org, id, ThreadPatch::default())
        .await
        .unwrap();
    assert_eq!(patched, None);
    assert!(
        store
            .messages(org, id, first_page(9), true)
            .await
            .unwrap()
            .is_none()
    );
    let posted = store
        .post_message(new_message(&scene.tenant, id, "x"), None)
        .await
        .unwrap();
    assert_eq!(posted, Once::Done(None));
    assert_eq!(
        store
            .delete_thread(org, id, now(), someone())
            .await
            .unwrap(),
        DeleteThread::NoThread
    );

    // The run itself is still there, for its owner to end and for people to read.
    let end = scene.change(vec![event("run.cancelled")], ended(RunStatus::Cancelled));
    append_ok(h, end).await;
    assert!(store.run(org, scene.run).await.unwrap().is_some());
}

/// The live run of a thread comes from the runs: queued and ended ones don't count.
pub async fn the_active_run_is_derived(h: &Harness) {
    let (scene, other) = (running(h).await, tenant(h).await);
    let active = || async {
        let read = h
            .store()
            .thread(scene.tenant.org, scene.thread)
            .await
            .unwrap()
            .unwrap();
        let page = h
            .store()
            .threads(scene.tenant.org, first_page(9))
            .await
            .unwrap();
        assert_eq!(page.items.first(), Some(&read));
        let patch = ThreadPatch::default();
        let patched = h
            .store()
            .update_thread(scene.tenant.org, scene.thread, patch)
            .await;
        assert_eq!(patched.unwrap(), Some(read.clone()));
        let live = h.store().live_run(scene.tenant.org, scene.thread).await;
        assert_eq!(live.unwrap(), read.active_run_id);
        let elsewhere = h.store().live_run(other.org, scene.thread).await;
        assert_eq!(elsewhere.unwrap(), None);
        read.active_run_id
    };
    assert_eq!(active().await, Some(scene.run));
    let queue = OnBusy::Enqueue { max_queued: 1 };
    create(
        h,
        NewRun {
            on_busy: queue,
            ..new_run(&scene.tenant, scene.thread)
        },
    )
    .await;
    h.store().intend(scene.cancel()).await.unwrap();
    assert_eq!(active().await, Some(scene.run));
    append_ok(h, scene.completion()).await;
    assert_eq!(active().await, None);
}

/// Paging neither skips nor repeats a thread while others are added and one is deleted.
pub async fn cursors_hold_while_threads_are_added(h: &Harness) {
    let tenant = tenant(h).await;
    let at = now();
    let mut expected = Vec::new();
    for n in 0..6 {
        let new = new_thread(&tenant);
        let created_at = if n < 4 { at } else { new.created_at };
        expected.push((created_at, new.thread_id));
        done(
            h.store()
                .create_thread(NewThread { created_at, ..new }, None)
                .await
                .unwrap(),
        );
    }
    expected.sort_unstable();
    expected.reverse();
    let mut page = first_page(2);
    let mut found = Vec::new();
    loop {
        let read = h.store().threads(tenant.org, page).await.unwrap();
        found.extend(
            read.items
                .iter()
                .map(|thread| (thread.created_at, thread.thread_id)),
        );
        if read.next.is_none() {
            break;
        }
        page = next_page(&read, 2);
        thread(h, &tenant).await;
        // The row at the cursor itself goes; the cursor holds.
        let last = read.items[1].thread_id;
        h.store()
            .delete_thread(tenant.org, last, now(), someone())
            .await
            .unwrap();
    }
    assert_eq!(found, expected);
}
