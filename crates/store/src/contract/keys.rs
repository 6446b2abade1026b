//! Idempotency keys.

use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{MessageId, RunStatus};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    append_ok, create, done, ended, event, first_page, idempotency, new_api_key, new_message,
    new_run, new_thread, now, running, someone, tenant, thread, try_create,
};
use crate::{CreateRun, DeleteThread, Idempotency, Intent, KeyConflict, NewRun, Once, RunFilter};

/// A repeat gets the first answer and writes nothing, even when the thread is gone.
pub async fn a_repeat_gets_the_first_answer(h: &Harness) {
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    let once = idempotency(&tenant, "POST /runs");
    let new = || NewRun {
        input: Some((MessageId::generate(now()), "hi".to_owned())),
        once: Some(once.clone()),
        ..new_run(&tenant, thread)
    };
    let first = new();
    let cancel = Intent {
        org_id: tenant.org,
        run_id: first.run_id,
        expect_status: RunStatus::Running,
        expect_seq: None,
        events: vec![event("run.cancelled")],
        projection: ended(RunStatus::Cancelled),
    };
    create(h, first).await;
    let again = h.store().create_run(new()).await.unwrap();
    assert_eq!(again, Once::Replayed(once.answer.clone()));
    h.store().intend(cancel).await.unwrap();
    let gone = h
        .store()
        .delete_thread(tenant.org, thread, now(), someone())
        .await;
    assert_eq!(gone.unwrap(), DeleteThread::Deleted);
    let again = h.store().create_run(new()).await.unwrap();
    assert_eq!(again, Once::Replayed(once.answer.clone()));
    let runs = h
        .store()
        .runs(tenant.org, RunFilter::default(), first_page(9))
        .await
        .unwrap();
    assert_eq!(runs.items.len(), 1);
}

/// Another body under the same key is a conflict.
pub async fn a_key_serves_one_body(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /threads");
    let first = h
        .store()
        .create_thread(new_thread(&tenant), Some(once.clone()));
    done(first.await.unwrap());
    let other = Idempotency {
        body_hash: [2; 32],
        ..once
    };
    let second = h.store().create_thread(new_thread(&tenant), Some(other));
    assert_eq!(second.await.unwrap(), Once::Conflict(KeyConflict::Reused));
    let threads = h.store().threads(tenant.org, first_page(9)).await.unwrap();
    assert_eq!(threads.items.len(), 1);
}

/// Principal, operation and key all count.
pub async fn keys_are_apart_by_principal_and_operation(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /threads");
    let variants = [
        once.clone(),
        Idempotency {
            principal: "somebody else".to_owned(),
            ..once.clone()
        },
        Idempotency {
            operation: "POST /others".to_owned(),
            ..once.clone()
        },
        Idempotency {
            key: "another".to_owned(),
            ..once
        },
    ];
    for once in variants {
        let created = h.store().create_thread(new_thread(&tenant), Some(once));
        done(created.await.unwrap());
    }
}

/// Every creating call takes a key.
pub async fn every_creation_takes_a_key(h: &Harness) {
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    let once = idempotency(&tenant, "POST /messages");
    let post = || {
        h.store()
            .post_message(new_message(&tenant, thread, "hi"), Some(once.clone()))
    };
    assert!(done(post().await.unwrap()).is_some());
    assert_eq!(post().await.unwrap(), Once::Replayed(once.answer.clone()));
    let page = h
        .store()
        .messages(tenant.org, thread, first_page(9), true)
        .await
        .unwrap();
    assert_eq!(page.unwrap().items.len(), 1);

    let once = idempotency(&tenant, "POST /api-keys");
    let make = || {
        h.store()
            .create_api_key(new_api_key(&tenant), Some(once.clone()), someone())
    };
    done(make().await.unwrap());
    assert_eq!(make().await.unwrap(), Once::Replayed(once.answer.clone()));
    let keys = h
        .store()
        .api_keys(tenant.org, None, first_page(9))
        .await
        .unwrap();
    assert_eq!(keys.items.len(), 1);
}

/// Twins that race make one run: the later ones get its answer, or hear that it is under way.
pub async fn racing_twins_make_one_run(h: &Harness) {
    const TWINS: usize = 8;
    let tenant = tenant(h).await;
    let thread = thread(h, &tenant).await;
    let once = idempotency(&tenant, "POST /runs");
    let barrier = Arc::new(Barrier::new(TWINS));
    let mut twins = JoinSet::new();
    for _ in 0..TWINS {
        let (store, barrier) = (h.shared(), Arc::clone(&barrier));
        let new = NewRun {
            once: Some(once.clone()),
            ..new_run(&tenant, thread)
        };
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
    let runs = h
        .store()
        .runs(tenant.org, RunFilter::default(), first_page(9))
        .await
        .unwrap();
    assert_eq!(runs.items.len(), 1);
}

/// What created nothing leaves no key behind.
pub async fn a_refusal_keeps_no_key(h: &Harness) {
    let scene = running(h).await;
    let once = idempotency(&scene.tenant, "POST /runs");
    let new = || NewRun {
        once: Some(once.clone()),
        ..new_run(&scene.tenant, scene.thread)
    };
    assert_eq!(try_create(h, new()).await, CreateRun::Busy(scene.run));
    append_ok(h, scene.completion()).await;
    create(h, new()).await;
    let again = h.store().create_run(new()).await.unwrap();
    assert_eq!(again, Once::Replayed(once.answer.clone()));
}

/// A key can be asked without creating anything, by those who may use it.
pub async fn a_key_is_asked_for_its_answer(h: &Harness) {
    let (tenant, stranger) = (tenant(h).await, tenant(h).await);
    let thread = thread(h, &tenant).await;
    let once = idempotency(&tenant, "POST /runs");
    let ask = async |org, once: &Idempotency| h.store().kept_answer(org, once).await.unwrap();
    assert_eq!(ask(tenant.org, &once).await, None);
    let new = NewRun {
        once: Some(once.clone()),
        ..new_run(&tenant, thread)
    };
    create(h, new).await;
    assert_eq!(ask(tenant.org, &once).await, Some(Ok(once.answer.clone())));
    let other = Idempotency {
        body_hash: [2; 32],
        ..once.clone()
    };
    let reused = Some(Err(KeyConflict::Reused));
    assert_eq!(ask(tenant.org, &other).await, reused);
    let theirs = Idempotency {
        principal: idempotency(&stranger, "").principal,
        ..once.clone()
    };
    assert_eq!(ask(stranger.org, &theirs).await, None);
    if h.pass(Duration::from_hours(24) + Duration::from_mins(1))
        .await
    {
        assert_eq!(ask(tenant.org, &once).await, None);
    }
}

/// A key is good for 24 hours.
pub async fn a_key_is_forgotten_after_a_day(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /threads");
    let make = || {
        h.store()
            .create_thread(new_thread(&tenant), Some(once.clone()))
    };
    done(make().await.unwrap());
    let almost = Duration::from_hours(24) - Duration::from_mins(1);
    if !h.pass(almost).await {
        return;
    }
    assert_eq!(make().await.unwrap(), Once::Replayed(once.answer.clone()));
    assert!(h.pass(Duration::from_mins(2)).await);
    done(make().await.unwrap());
    assert_eq!(make().await.unwrap(), Once::Replayed(once.answer.clone()));
}
