//! Writers that meet in one thread.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use runloom_domain::{MessageId, OrgId, RunId, RunStatus, ThreadId};
use tokio::sync::{Barrier, oneshot};
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    Scene, Tenant, answer_message, done, ended, event, first_page, new_message, new_run, now,
    running, someone, tenant, thread,
};
use crate::{
    Appended, CreateRun, DeleteThread, FirstEvent, Intended, Intent, NewRun, OnBusy, Projection,
    Store, ThreadPatch,
};

/// Runs as many tasks as there are futures, and lets all go at once.
async fn all_at_once<F>(tasks: Vec<F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let start = Arc::new(Barrier::new(tasks.len()));
    let mut running = JoinSet::new();
    for task in tasks {
        let start = Arc::clone(&start);
        running.spawn(async move {
            start.wait().await;
            task.await
        });
    }
    running.join_all().await
}

async fn create(store: Arc<dyn Store>, new: NewRun) -> (RunId, CreateRun) {
    let id = new.run_id;
    (id, done(store.create_run(new).await.unwrap()))
}

/// Of many who start a run in a free thread one does, and the others hear which.
pub async fn one_of_many_runs_starts(h: &Harness) {
    let tenant = tenant(h).await;
    for _ in 0..5 {
        let thread = thread(h, &tenant).await;
        let creation = || create(h.shared(), new_run(&tenant, thread));
        let answers = all_at_once((0..6).map(|_| creation()).collect()).await;
        let created = |(_, answer): &&(RunId, CreateRun)| matches!(answer, CreateRun::Created(_));
        let winner = answers.iter().find(created).expect("one of them starts").0;
        for (id, answer) in answers {
            assert!(
                id == winner || answer == CreateRun::Busy(winner),
                "{answer:?}"
            );
        }
    }
}

/// Many who queue form one line: each is behind another.
pub async fn a_queue_is_one_line(h: &Harness) {
    const RUNS: usize = 8;
    let scene = running(h).await;
    let creation = || {
        let new = NewRun {
            on_busy: OnBusy::Enqueue { max_queued: 5 },
            input: Some((MessageId::generate(now()), "next".to_owned())),
            ..new_run(&scene.tenant, scene.thread)
        };
        create(h.shared(), new)
    };
    let answers = all_at_once((0..RUNS).map(|_| creation()).collect()).await;
    let (mut before, mut line) = (BTreeSet::new(), BTreeSet::from([scene.run]));
    for (id, answer) in answers {
        match answer {
            CreateRun::Created(created) => {
                let FirstEvent::Queued { behind } = created.first else {
                    panic!("a busy thread has no place for {created:?}");
                };
                assert!(before.insert(behind), "two are behind {behind}");
                line.insert(id);
            }
            full => assert_eq!(full, CreateRun::QueueFull),
        }
    }
    assert_eq!((before.len(), line.len()), (5, 6));
    assert!(before.is_subset(&line));
    assert_dense(h, scene.tenant.org, scene.thread, 5).await;
}

/// The thread's messages have the positions 1 to `count`.
async fn assert_dense(h: &Harness, org: OrgId, thread: ThreadId, count: u64) {
    let page = h.store().messages(org, thread, first_page(200), true).await;
    let found = page.unwrap().unwrap().items;
    let positions: Vec<u64> = found.iter().map(|m| m.position).collect();
    assert_eq!(positions, (1..=count).rev().collect::<Vec<_>>());
}

/// Runs that are created while their thread is deleted are either named to whoever deletes it or
/// not created: nobody forgets to cancel one.
pub async fn no_run_slips_into_a_deleted_thread(h: &Harness) {
    for _ in 0..10 {
        let scene = running(h).await;
        let (org, thread) = (scene.tenant.org, scene.thread);
        h.store().intend(scene.cancel()).await.unwrap();
        let (first, begun) = oneshot::channel();
        let tenant = scene.tenant.clone();
        let creations = tokio::spawn(create_until_gone(h.shared(), tenant, thread, first));
        begun.await.unwrap();
        let mut cancelled = BTreeSet::new();
        while let DeleteThread::Open(runs) = h
            .store()
            .delete_thread(org, thread, now(), someone())
            .await
            .unwrap()
        {
            for run_id in runs {
                let cancel = Intent {
                    run_id,
                    expect_status: RunStatus::Queued,
                    ..scene.intent("run.cancelled", ended(RunStatus::Cancelled))
                };
                let outcome = h.store().intend(cancel).await.unwrap();
                assert_eq!(outcome, Intended::Applied { base: 1 });
                assert!(cancelled.insert(run_id), "it has ended");
            }
        }
        assert_eq!(h.store().thread(org, thread).await.unwrap(), None);
        assert_eq!(cancelled, creations.await.unwrap());
    }
}

/// Queues runs until the thread is gone, but not for ever, and returns those that were created.
async fn create_until_gone(
    store: Arc<dyn Store>,
    tenant: Tenant,
    thread: ThreadId,
    first: oneshot::Sender<()>,
) -> BTreeSet<RunId> {
    let mut first = Some(first);
    let mut created = BTreeSet::new();
    for _ in 0..30 {
        let new = NewRun {
            on_busy: OnBusy::Enqueue { max_queued: 100 },
            ..new_run(&tenant, thread)
        };
        match create(Arc::clone(&store), new).await {
            (id, CreateRun::Created(_)) => assert!(created.insert(id)),
            (_, refused) => {
                assert_eq!(refused, CreateRun::NoThread);
                break;
            }
        }
        if let Some(first) = first.take() {
            first.send(()).expect("the case waits");
        }
    }
    created
}

/// The owner, people who post, people who queue and cancel, and people who rename: none fails
/// for the sake of another, and positions and seqs stay dense.
pub async fn writers_of_one_thread_get_along(h: &Harness) {
    const EACH: usize = 15;
    let scene = running(h).await;
    let (org, id) = (scene.tenant.org, scene.thread);
    let mut tasks: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    tasks.push(Box::pin(append_messages(h.shared(), scene.clone(), EACH)));
    for _ in 0..2 {
        tasks.push(Box::pin(post_messages(
            h.shared(),
            scene.tenant.clone(),
            id,
            EACH,
        )));
        tasks.push(Box::pin(queue_and_cancel(h.shared(), scene.clone(), EACH)));
    }
    let store = h.shared();
    tasks.push(Box::pin(async move {
        for _ in 0..EACH {
            let renamed = store
                .update_thread(org, id, ThreadPatch::default())
                .await
                .unwrap();
            assert!(renamed.is_some());
        }
    }));
    all_at_once(tasks).await;
    assert_eq!(scene.types(h).await.len(), 1 + EACH);
    // One from the owner, one from each who posts, two from each who queues.
    assert_dense(h, org, id, 7 * EACH as u64).await;
}

async fn append_messages(store: Arc<dyn Store>, scene: Scene, count: usize) {
    for _ in 0..count {
        let step = Projection {
            messages: vec![answer_message("x")],
            ..Projection::default()
        };
        let change = scene.change(vec![event("step.completed")], step);
        loop {
            match store.append(vec![change.clone()]).await.unwrap().remove(0) {
                Appended::Committed { .. } => break,
                answer => assert_eq!(answer, Appended::Locked),
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn post_messages(store: Arc<dyn Store>, tenant: Tenant, thread: ThreadId, count: usize) {
    for _ in 0..count {
        let posted = store
            .post_message(new_message(&tenant, thread, "x"), None)
            .await
            .unwrap();
        assert!(done(posted).is_some());
    }
}

async fn queue_and_cancel(store: Arc<dyn Store>, scene: Scene, count: usize) {
    for _ in 0..count {
        let new = NewRun {
            on_busy: OnBusy::Enqueue { max_queued: 9 },
            input: Some((MessageId::generate(now()), "x".to_owned())),
            ..new_run(&scene.tenant, scene.thread)
        };
        let (run_id, created) = create(Arc::clone(&store), new).await;
        assert!(matches!(created, CreateRun::Created(_)), "{created:?}");
        let cancel = Intent {
            run_id,
            expect_status: RunStatus::Queued,
            projection: Projection {
                messages: vec![answer_message("cancelled")],
                ..ended(RunStatus::Cancelled)
            },
            ..scene.intent("run.cancelled", Projection::default())
        };
        let cancelled = store.intend(cancel).await.unwrap();
        assert_eq!(cancelled, Intended::Applied { base: 1 });
    }
}
