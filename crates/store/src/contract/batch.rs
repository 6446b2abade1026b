//! Many changes in one commit.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    Scene, append_ok, call, event, new_run, new_thread, node, running_for, tenant, text_event,
    waiting,
};
use crate::{Appended, Change, CreateRun, NewRun, Once, Projection};

const fn at(base: u64) -> Appended {
    Appended::Committed { base }
}

/// Stale, ended, locked and invalid changes leave the others committed, and the answers are in
/// the order of the changes.
pub async fn bad_changes_leave_the_others(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut scenes = Vec::new();
    for _ in 0..7 {
        scenes.push(running_for(h, &tenant, node).await);
    }
    let ledger = |scene: &Scene| {
        let calls = vec![call(1, 1)];
        scene.change(
            vec![event("step.completed")],
            Projection {
                calls,
                ..Projection::default()
            },
        )
    };
    append_ok(h, ledger(&scenes[2])).await;
    append_ok(h, scenes[4].completion()).await;
    let guard = h.lock_run(tenant.org, scenes[5].run).await;

    let batch = vec![
        scenes[0].deltas(2),
        Change {
            epoch: 9,
            ..scenes[1].deltas(1)
        },
        ledger(&scenes[2]),
        scenes[3].completion(),
        scenes[4].deltas(1),
        scenes[5].deltas(1),
        ledger(&scenes[6]),
    ];
    let answers = h.store().append(batch).await.unwrap();
    assert_eq!(answers.len(), 7);
    assert_eq!(
        (&answers[0], &answers[3], &answers[6]),
        (&at(1), &at(1), &at(1))
    );
    assert_eq!(
        (&answers[1], &answers[4]),
        (&Appended::Stale, &Appended::Stale)
    );
    assert!(
        matches!(answers[2], Appended::Invalid { .. }),
        "{:?}",
        answers[2]
    );
    let expected = if guard.is_some() {
        Appended::Locked
    } else {
        at(1)
    };
    assert_eq!(answers[5], expected);

    drop(guard);
    let counts = [3, 1, 2, 2, 2, if expected == at(1) { 2 } else { 1 }, 2];
    for (scene, count) in scenes.iter().zip(counts) {
        assert_eq!(scene.types(h).await.len(), count);
    }
    if expected == Appended::Locked {
        append_unlocked(h, &scenes[5]).await;
    }
}

/// The guard's session may take a moment to let go.
async fn append_unlocked(h: &Harness, scene: &Scene) {
    for _ in 0..1_000 {
        let answers = h.store().append(vec![scene.deltas(1)]).await.unwrap();
        if answers == [at(1)] {
            return;
        }
        assert_eq!(answers, [Appended::Locked]);
        tokio::task::yield_now().await;
    }
    panic!("the run stays locked");
}

/// NUL in public data, in the private payload and in a message: refused, each by itself.
pub async fn nul_is_invalid(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut scenes = Vec::new();
    for _ in 0..4 {
        scenes.push(running_for(h, &tenant, node).await);
    }
    let mut private = event("step.completed");
    private.private = Some("\0".to_owned());
    let message = Projection {
        messages: vec![super::fixtures::answer_message("a\0b")],
        ..Projection::default()
    };
    let answers = h
        .store()
        .append(vec![
            scenes[0].change(
                vec![text_event("message.delta", "\"\0\"")],
                Projection::default(),
            ),
            scenes[1].change(vec![private], Projection::default()),
            scenes[2].change(vec![event("step.completed")], message),
            scenes[3].deltas(1),
        ])
        .await
        .unwrap();
    for (answer, scene) in answers.iter().zip(&scenes).take(3) {
        assert!(matches!(answer, Appended::Invalid { .. }), "{answer:?}");
        assert_eq!(scene.types(h).await.len(), 1);
    }
    assert_eq!(answers[3], at(1));
}

/// An empty batch is nothing.
pub async fn an_empty_batch_is_nothing(h: &Harness) {
    assert_eq!(h.store().append(vec![]).await.unwrap(), []);
}

/// A thousand runs in one batch, some stale.
pub async fn a_thousand_runs(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    // As many at once as a pool has connections; a store that groups commits needs them.
    let gate = Arc::new(Semaphore::new(64));
    let mut tasks = JoinSet::new();
    for _ in 0..1_000 {
        let (store, gate) = (h.shared(), Arc::clone(&gate));
        let thread = new_thread(&tenant);
        let thread_id = thread.thread_id;
        let new = NewRun {
            owner: Some(node),
            ..new_run(&tenant, thread_id)
        };
        let (tenant, run) = (tenant.clone(), new.run_id);
        tasks.spawn(async move {
            let _turn = gate.acquire().await.unwrap();
            store.create_thread(thread, None).await.unwrap();
            let created = store.create_run(new).await.unwrap();
            let Once::Done(CreateRun::Created(created)) = created else {
                panic!("the run was not created: {created:?}");
            };
            Scene {
                tenant,
                thread: thread_id,
                node,
                run,
                epoch: created.epoch,
            }
        });
    }
    let scenes = tasks.join_all().await;
    let change = |(n, scene): (usize, &Scene)| match n % 10 {
        0 => Change {
            epoch: 5,
            ..scene.deltas(1)
        },
        1 => scene.completion(),
        _ => scene.deltas(n % 4 + 1),
    };
    let batch: Vec<Change> = scenes.iter().enumerate().map(change).collect();
    let counts: Vec<usize> = batch.iter().map(|change| change.events.len()).collect();
    let answers = h.store().append(batch).await.unwrap();
    for (n, answer) in answers.iter().enumerate() {
        let expected = if n % 10 == 0 { Appended::Stale } else { at(1) };
        assert_eq!(*answer, expected, "change {n}");
    }
    for n in [0, 1, 2, 3, 500, 501, 507, 999] {
        let written = if n % 10 == 0 { 0 } else { counts[n] };
        assert_eq!(scenes[n].types(h).await.len(), 1 + written);
    }
}

/// Runs of several organisations share a batch.
pub async fn organisations_share_a_batch(h: &Harness) {
    let node = node(h).await;
    let (one, two) = (tenant(h).await, tenant(h).await);
    let scenes = [
        running_for(h, &one, node).await,
        running_for(h, &two, node).await,
    ];
    let batch = scenes.iter().map(|scene| scene.deltas(3)).collect();
    assert_eq!(h.store().append(batch).await.unwrap(), [at(1), at(1)]);
    for scene in scenes {
        assert_eq!(scene.types(h).await.len(), 4);
    }
}

/// A run that waits with the same epoch as its last owner's is stale, in a batch as well.
pub async fn released_runs_are_stale_in_a_batch(h: &Harness) {
    let released = waiting(h).await;
    let other = running_for(h, &released.tenant, released.node).await;
    let batch = vec![released.deltas(1), other.deltas(1)];
    assert_eq!(
        h.store().append(batch).await.unwrap(),
        [Appended::Stale, at(1)]
    );
}
