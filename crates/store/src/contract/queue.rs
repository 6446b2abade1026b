//! Runs that wait behind others of their thread.

use runloom_domain::{MessageId, RunId, RunStatus, ThreadId};

use super::Harness;
use super::fixtures::{
    Scene, append_ok, create, ended, event, new_run, node, now, post, running, tenant, thread,
    try_create,
};
use crate::{CreateRun, FirstEvent, HistoryPart, Intended, Intent, NewRun, OnBusy};

const QUEUE: OnBusy = OnBusy::Enqueue { max_queued: 3 };

async fn enqueue(h: &Harness, scene: &Scene) -> RunId {
    let new = NewRun {
        on_busy: QUEUE,
        owner: Some(scene.node),
        ..new_run(&scene.tenant, scene.thread)
    };
    let id = new.run_id;
    let created = create(h, new).await;
    assert!(matches!(created.first, FirstEvent::Queued { .. }));
    id
}

async fn end_queued(h: &Harness, scene: &Scene, run: RunId) {
    let intent = Intent {
        run_id: run,
        expect_status: RunStatus::Queued,
        ..scene.intent("run.cancelled", ended(RunStatus::Cancelled))
    };
    let ended = h.store().intend(intent).await.unwrap();
    assert!(matches!(ended, Intended::Applied { .. }), "{ended:?}");
}

/// A queued run is nobody's, is behind the youngest of its thread, and does not start.
pub async fn a_run_waits_behind_the_last_one(h: &Harness) {
    let scene = running(h).await;
    let queued = |on_busy| NewRun {
        on_busy,
        owner: Some(scene.node),
        ..new_run(&scene.tenant, scene.thread)
    };
    let new = queued(QUEUE);
    let first = new.run_id;
    let created = create(h, new).await;
    assert_eq!(created.first, FirstEvent::Queued { behind: scene.run });
    assert_eq!(
        (created.epoch, created.event.event_type.as_str()),
        (0, "run.queued")
    );
    let head = h
        .store()
        .head(scene.tenant.org, first)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (head.status, head.owned, head.last_seq),
        (RunStatus::Queued, false, 1)
    );

    let created = create(h, queued(QUEUE)).await;
    assert_eq!(created.first, FirstEvent::Queued { behind: first });
    let refused = try_create(h, queued(OnBusy::Reject)).await;
    assert_eq!(refused, CreateRun::Busy(scene.run));
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
}

/// As many runs queue as may; the live one is not counted.
pub async fn a_queue_has_an_end(h: &Harness) {
    let scene = running(h).await;
    let mut queued = Vec::new();
    for _ in 0..3 {
        queued.push(enqueue(h, &scene).await);
    }
    let full = NewRun {
        on_busy: QUEUE,
        ..new_run(&scene.tenant, scene.thread)
    };
    assert_eq!(try_create(h, full).await, CreateRun::QueueFull);
    end_queued(h, &scene, queued[1]).await;
    enqueue(h, &scene).await;
}

/// One after the other, in the order of creation, even when all have the same time.
pub async fn queued_runs_start_in_order(h: &Harness) {
    let scene = running(h).await;
    let at = now();
    let mut queued = Vec::new();
    for _ in 0..3 {
        let new = NewRun {
            on_busy: QUEUE,
            created_at: at,
            ..new_run(&scene.tenant, scene.thread)
        };
        queued.push(new.run_id);
        create(h, new).await;
    }
    // A cancelled one is passed over.
    end_queued(h, &scene, queued[1]).await;
    append_ok(h, scene.completion()).await;
    for expected in [queued[0], queued[2]] {
        let claimed = h.store().claim(scene.node, 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(
            (claimed[0].run_id, claimed[0].status),
            (expected, RunStatus::Queued)
        );
        let next = Scene {
            run: expected,
            epoch: claimed[0].epoch,
            ..scene.clone()
        };
        // Claimed, but not started yet: nobody overtakes it.
        assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
        append_ok(
            h,
            next.change(vec![event("run.started")], status(RunStatus::Running)),
        )
        .await;
        assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
        append_ok(h, next.completion()).await;
    }
}

fn status(status: RunStatus) -> crate::Projection {
    crate::Projection {
        status: Some(status),
        ..crate::Projection::default()
    }
}

/// A queued run is told the thread's last position when it is claimed, its own input included.
pub async fn a_queued_run_learns_its_position_when_claimed(h: &Harness) {
    let scene = running(h).await;
    let new = NewRun {
        on_busy: QUEUE,
        input: Some((MessageId::generate(now()), "and then?".to_owned())),
        ..new_run(&scene.tenant, scene.thread)
    };
    let (id, at, trace) = (new.run_id, new.created_at, new.trace_id);
    create(h, new).await;
    let mut completion = scene.completion();
    if let Some(projection) = &mut completion.projection {
        projection.messages = vec![super::fixtures::answer_message("so")];
    }
    append_ok(h, completion).await;
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let claimed = &claimed[0];
    assert_eq!((claimed.run_id, claimed.thread_id), (id, scene.thread));
    assert_eq!((claimed.thread_position, claimed.last_seq), (2, 1));
    assert_eq!(
        (claimed.epoch, claimed.attempts, claimed.lost),
        (1, 1, None)
    );
    assert_eq!((claimed.created_at, claimed.trace_id), (at, trace));
}

/// A run does not see the questions of those that wait behind it, until they are no more.
pub async fn a_run_sees_no_question_of_those_behind_it(h: &Harness) {
    let scene = running(h).await;
    let asked = |content: &str| NewRun {
        on_busy: QUEUE,
        input: Some((MessageId::generate(now()), content.to_owned())),
        ..new_run(&scene.tenant, scene.thread)
    };
    let [first, second, third] = ["a", "b", "c"].map(asked);
    let runs = [first.run_id, second.run_id, third.run_id];
    for new in [first, second, third] {
        create(h, new).await;
    }
    post(h, &scene.tenant, scene.thread, "d").await;
    let seen = async |run, limit| {
        let (org, part) = (scene.tenant.org, HistoryPart::newest(9, limit));
        let seen = h.store().history(org, scene.thread, run, part).await;
        let seen = seen.unwrap();
        seen.iter().map(|m| m.position).collect::<Vec<_>>()
    };
    assert_eq!(seen(scene.run, 9).await, [4]);
    append_ok(h, scene.completion()).await;
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!(claimed[0].run_id, runs[0]);
    assert_eq!(seen(runs[0], 9).await, [1, 4]);
    // What is not seen takes no place of what is.
    assert_eq!(seen(runs[0], 2).await, [1, 4]);
    end_queued(h, &scene, runs[1]).await;
    assert_eq!(seen(runs[0], 9).await, [1, 2, 4]);
}

/// Enqueueing in a thread that is free starts the run.
pub async fn a_free_thread_has_no_queue(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let free: ThreadId = thread(h, &tenant).await;
    let new = NewRun {
        on_busy: QUEUE,
        owner: Some(node),
        ..new_run(&tenant, free)
    };
    let created = create(h, new).await;
    assert_eq!(created.first, FirstEvent::Started { history_until: 0 });
    assert_eq!(created.epoch, 1);
}
