//! Writes whose caller goes away: what was begun happens whole or not at all, and nobody who
//! comes after has to wait for it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use runloom_domain::{MessageId, RunStatus};

use super::Harness;
use super::fixtures::{
    Scene, answer_message, call, event, first_page, idempotency, new_account, new_api_key,
    new_message, new_run, new_thread, node, now, post, running, running_for, tenant, thread, types,
    waiting,
};
use crate::{NewRun, NewThread, Once, Projection, Rewind, ThreadPatch};

/// How soon the next write must be done. One that has to wait for an abandoned transaction
/// waits 5 s, or for ever.
const SOON: Duration = Duration::from_secs(1);

/// How often a drop is tried in each of its two ways.
const TRIES: usize = 5;

/// Drops each future at its first poll or after 1 ms, and checks that the store works on.
/// Makes twice as many futures as there are tries.
async fn dropped<F: Future>(h: &Harness, mut make: impl FnMut() -> F) {
    for _ in 0..TRIES {
        {
            let mut write = pin!(make());
            let _ = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        works_on(h).await;
        let _ = tokio::time::timeout(Duration::from_millis(1), make()).await;
        works_on(h).await;
    }
}

/// Writes of each lane succeed at once.
async fn works_on(h: &Harness) {
    let writes = async {
        let scene = running(h).await;
        post(h, &scene.tenant, scene.thread, "next").await;
        h.store().append(vec![scene.completion()]).await.unwrap();
    };
    let done = tokio::time::timeout(SOON, writes).await;
    assert!(done.is_ok(), "the next writes waited for a dropped one");
}

/// Waits until `whole` is true of what a dropped write may still be doing, and fails when it
/// stays false: then half of the write is there.
async fn eventually(whole: impl AsyncFn() -> bool) {
    for _ in 0..100 {
        if whole().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a dropped write is there by half");
}

/// Creating a run: its rows, its event, its input, its contents and its key, or none of them.
pub async fn create_run(h: &Harness) {
    let tenant = tenant(h).await;
    let mut made = Vec::new();
    for _ in 0..2 * TRIES {
        let thread = thread(h, &tenant).await;
        made.push((
            thread,
            new_run(&tenant, thread).run_id,
            idempotency(&tenant, "POST"),
        ));
    }
    let new = |(thread, run, once): &(_, _, _)| NewRun {
        run_id: *run,
        input: Some((MessageId::generate(now()), "hi".to_owned())),
        once: Some(crate::Idempotency::clone(once)),
        ..new_run(&tenant, *thread)
    };
    let mut left = made.iter();
    dropped(h, || {
        let (store, new) = (h.store(), new(left.next().unwrap()));
        async move { store.create_run(new).await }
    })
    .await;
    for each in &made {
        let (thread, run, _) = each;
        eventually(async || {
            let (store, org) = (h.store(), tenant.org);
            let there = store.head(org, *run).await.unwrap().is_some();
            let list = store
                .messages(org, *thread, first_page(9), true)
                .await
                .unwrap()
                .unwrap();
            there == store.run(org, *run).await.unwrap().is_some()
                && there == (types(store, org, *run).await.len() == 1)
                && there == (list.items.len() == 1)
        })
        .await;
        let there = h.store().head(tenant.org, *run).await.unwrap().is_some();
        let again = h.store().create_run(new(each)).await.unwrap();
        assert_eq!(
            there,
            matches!(again, Once::Replayed(_)),
            "the key goes with the run"
        );
    }
}

/// Rewinding: the edit, what is hidden and the run, or none of them.
pub async fn rewind(h: &Harness) {
    let tenant = tenant(h).await;
    let mut made = Vec::new();
    for _ in 0..2 * TRIES {
        let thread = thread(h, &tenant).await;
        let first = post(h, &tenant, thread, "old").await;
        post(h, &tenant, thread, "hidden").await;
        made.push((thread, first, new_run(&tenant, thread).run_id));
    }
    let mut left = made.iter();
    dropped(h, || {
        let (thread, message, run_id) = left.next().unwrap();
        let rewind = Rewind {
            message_id: Some(*message),
            content: Some("new".to_owned()),
        };
        let (store, new) = (h.store(), new_run(&tenant, *thread));
        let new = NewRun {
            run_id: *run_id,
            rewind: Some(rewind),
            ..new
        };
        async move { store.create_run(new).await }
    })
    .await;
    for (thread, _, run) in made {
        eventually(async || {
            let there = h.store().head(tenant.org, run).await.unwrap().is_some();
            let list = h.store().messages(tenant.org, thread, first_page(9), true);
            let list = list.await.unwrap().unwrap().items;
            let edited = list.last().is_some_and(|m| m.body.content() == "new");
            (there, edited, list.len()) == (there, there, if there { 1 } else { 2 })
        })
        .await;
    }
}

/// Appending: events, message, status and ledger, or none of them.
pub async fn append(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut scenes = Vec::new();
    for _ in 0..2 * TRIES {
        scenes.push(running_for(h, &tenant, node).await);
    }
    let step = |scene: &Scene| {
        let projection = Projection {
            status: Some(RunStatus::WaitingForInput),
            messages: vec![answer_message("x")],
            calls: vec![call(1, 1)],
            ..Projection::default()
        };
        scene.change(
            vec![event("step.completed"), event("tool.call")],
            projection,
        )
    };
    let mut left = scenes.iter();
    dropped(h, || {
        let (store, change) = (h.store(), step(left.next().unwrap()));
        async move { store.append(vec![change]).await }
    })
    .await;
    for scene in &scenes {
        is_whole(h, scene, RunStatus::WaitingForInput, (1, 3)).await;
        // The ledger agrees: the same step is refused exactly when it is there.
        let there = scene.head(h).await.status == RunStatus::WaitingForInput;
        let again = h.store().append(vec![step(scene)]).await.unwrap();
        assert_eq!(
            there,
            matches!(again[0], crate::Appended::Invalid { .. }),
            "{again:?}"
        );
    }
}

/// The run has the status, the events and its message, or none of them.
async fn is_whole(h: &Harness, scene: &Scene, status: RunStatus, counts: (usize, usize)) {
    eventually(async || {
        let head = scene.head(h).await;
        let there = head.status == status;
        let store = h.store();
        let seen = store
            .history(scene.tenant.org, scene.thread, scene.run, 0, 9)
            .await
            .unwrap();
        let count = if there { counts.1 } else { counts.0 };
        scene.types(h).await.len() == count
            && head.last_seq == count as u64
            && seen.len() == usize::from(there)
    })
    .await;
}

/// An intent: the event, its message, the status and the epoch, or none of them.
pub async fn intend(h: &Harness) {
    let mut scenes = Vec::new();
    for _ in 0..2 * TRIES {
        scenes.push(waiting(h).await);
    }
    let mut left = scenes.iter();
    dropped(h, || {
        let (store, mut answer) = (h.store(), left.next().unwrap().answer());
        answer.projection.messages = vec![answer_message("x")];
        async move { store.intend(answer).await }
    })
    .await;
    for scene in &scenes {
        is_whole(h, scene, RunStatus::Running, (2, 3)).await;
        let head = scene.head(h).await;
        let raised = head.epoch == scene.epoch + 1;
        assert_eq!(raised, head.status == RunStatus::Running);
    }
}

/// Claims and leases: a run that a dropped claim has taken is freed with its node's lease.
pub async fn claim_and_lease(h: &Harness) {
    let (tenant, holder) = (tenant(h).await, node(h).await);
    for _ in 0..4 {
        let new = new_run(&tenant, thread(h, &tenant).await);
        super::fixtures::create(h, new).await;
    }
    dropped(h, || {
        let store = h.store();
        async move { store.claim(holder, 1).await }
    })
    .await;
    dropped(h, || {
        let store = h.store();
        async move { store.renew_lease(holder).await }
    })
    .await;
    dropped(h, || {
        let store = h.store();
        async move { store.free_lost(holder).await }
    })
    .await;
    dropped(h, || {
        let store = h.store();
        async move { store.end_lease(holder).await }
    })
    .await;
    h.store().end_lease(holder).await.unwrap();
    let next = node(h).await;
    eventually(async || {
        // A dropped renewal may come after the end, and a dropped claim after that.
        h.store().end_lease(holder).await.unwrap();
        h.store().claim(next, 10).await.unwrap();
        let runs = h
            .store()
            .runs(tenant.org, crate::RunFilter::default(), first_page(9));
        let mut owned = 0;
        for run in runs.await.unwrap().items {
            let head = h
                .store()
                .head(tenant.org, run.run_id)
                .await
                .unwrap()
                .unwrap();
            owned += usize::from(head.owned && head.epoch > 0);
        }
        owned == 4
    })
    .await;
}

/// Threads and messages.
pub async fn threads(h: &Harness) {
    let tenant = tenant(h).await;
    dropped(h, || {
        let (store, new) = (h.store(), new_thread(&tenant));
        let new = NewThread {
            title: Some("t".to_owned()),
            ..new
        };
        let once = idempotency(&tenant, "POST");
        async move { store.create_thread(new, Some(once)).await }
    })
    .await;
    let id = thread(h, &tenant).await;
    dropped(h, || {
        let (store, new) = (h.store(), new_message(&tenant, id, "x"));
        async move { store.post_message(new, None).await }
    })
    .await;
    dropped(h, || {
        let (store, org) = (h.store(), tenant.org);
        let patch = ThreadPatch {
            title: Some(Some("t".to_owned())),
            metadata: Some(Some("{}".to_owned())),
        };
        async move { store.update_thread(org, id, patch).await }
    })
    .await;
    eventually(async || {
        let list = h
            .store()
            .messages(tenant.org, id, first_page(99), true)
            .await;
        let list = list.unwrap().unwrap().items;
        let dense = (1..=list.len() as u64).rev();
        list.iter().map(|m| m.position).eq(dense)
    })
    .await;
    dropped(h, || {
        let (store, org) = (h.store(), tenant.org);
        async move { store.delete_thread(org, id, now()).await }
    })
    .await;
}

/// Accounts and API keys.
pub async fn accounts(h: &Harness) {
    let mut people = Vec::new();
    dropped(h, || {
        let (store, new) = (h.store(), new_account());
        people.push(new.clone());
        async move { store.create_account(new).await }
    })
    .await;
    for person in people {
        eventually(async || {
            let there = h
                .store()
                .user(person.org_id, person.user_id)
                .await
                .unwrap()
                .is_some();
            let login = h.store().find_login(&person.login).await.unwrap().is_some();
            let email = h.store().find_login(&person.email).await.unwrap().is_some();
            (login, email) == (there, there)
        })
        .await;
    }
    let tenant = tenant(h).await;
    let mut keys = Vec::new();
    dropped(h, || {
        let (store, new) = (h.store(), new_api_key(&tenant));
        keys.push(new.api_key_id);
        async move { store.create_api_key(new, None).await }
    })
    .await;
    dropped(h, || {
        let (store, org, key) = (h.store(), tenant.org, keys[0]);
        async move { store.touch_api_key(org, key, now()).await }
    })
    .await;
    dropped(h, || {
        let (store, org, key) = (h.store(), tenant.org, keys[0]);
        async move { store.revoke_api_key(org, None, key, now()).await }
    })
    .await;
}
