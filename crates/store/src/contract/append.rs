//! Appending to a run that a node owns.

use std::time::Duration;

use runloom_domain::{RunId, RunStatus};

use super::Harness;
use super::fixtures::{
    append, append_ok, create, ended, event, new_run, now, running, running_for, waiting,
};
use crate::{Appended, Change, Intended, NewRun, Projection, Wake};

/// Each change takes the seqs that follow, and is told the seq before.
pub async fn seq_is_dense(h: &Harness) {
    let scene = running(h).await;
    for (count, base) in [(1, 1), (3, 2), (50, 5), (1, 55)] {
        assert_eq!(append_ok(h, scene.deltas(count)).await, base);
    }
    assert_eq!(scene.types(h).await.len(), 56);
    assert_eq!(scene.head(h).await.last_seq, 56);
}

/// An intent's event between two changes shows in the base of the second.
pub async fn the_base_tells_of_events_in_between(h: &Harness) {
    let scene = running(h).await;
    assert_eq!(append_ok(h, scene.deltas(2)).await, 1);
    let asked = h.store().intend(scene.cancel()).await.unwrap();
    assert_eq!(asked, Intended::Applied { base: 3 });
    assert_eq!(append_ok(h, scene.deltas(2)).await, 4);
    let expected = ["run.started", "message.delta", "message.delta"];
    assert_eq!(scene.types(h).await[..3], expected);
    assert_eq!(scene.types(h).await[3], "run.cancel_requested");
}

/// Another epoch, another organisation's run, a run that nobody owns, one that isn't there.
pub async fn strangers_are_stale(h: &Harness) {
    let scene = running(h).await;
    let foreign = running(h).await;
    for epoch in [0, 2, 3] {
        let change = Change {
            epoch,
            ..scene.deltas(1)
        };
        assert_eq!(append(h, change).await, Appended::Stale);
    }
    let crossed = Change {
        run_id: foreign.run,
        ..scene.deltas(1)
    };
    assert_eq!(append(h, crossed).await, Appended::Stale);
    let missing = Change {
        run_id: RunId::generate(now()),
        ..scene.deltas(1)
    };
    assert_eq!(append(h, missing).await, Appended::Stale);

    let released = waiting(h).await;
    assert_eq!(append(h, released.deltas(1)).await, Appended::Stale);
    let thread = super::fixtures::thread(h, &scene.tenant).await;
    let free = new_run(&scene.tenant, thread);
    let unclaimed = Change {
        run_id: free.run_id,
        epoch: 0,
        ..scene.deltas(1)
    };
    create(h, free).await;
    assert_eq!(append(h, unclaimed).await, Appended::Stale);
    for scene in [scene, foreign] {
        assert_eq!(scene.types(h).await, ["run.started"]);
    }
}

/// A change that depends on the status is given back when the run has another, with nothing
/// written, and the run stays its owner's; others don't mind.
pub async fn a_change_may_expect_a_status(h: &Harness) {
    let scene = running(h).await;
    let expecting = |status| Change {
        expect_status: Some(status),
        ..scene.deltas(1)
    };
    assert_eq!(append_ok(h, expecting(RunStatus::Running)).await, 1);
    h.store().intend(scene.cancel()).await.unwrap();
    assert_eq!(
        append(h, expecting(RunStatus::Running)).await,
        Appended::Moved
    );
    let end = Change {
        expect_status: Some(RunStatus::Running),
        ..scene.completion()
    };
    let other = running_for(h, &scene.tenant, scene.node).await;
    let batch = h.store().append(vec![end, other.deltas(1)]).await.unwrap();
    assert_eq!(batch, [Appended::Moved, Appended::Committed { base: 1 }]);
    assert_eq!(scene.types(h).await.len(), 3);
    assert_eq!(append_ok(h, expecting(RunStatus::Cancelling)).await, 3);
    assert_eq!(append_ok(h, scene.deltas(1)).await, 4);

    // Stale comes first: who doesn't own the run learns nothing of its status.
    let stale = Change {
        epoch: 9,
        ..expecting(RunStatus::Running)
    };
    assert_eq!(append(h, stale).await, Appended::Stale);
}

/// After the terminal event the run is closed, for its owner and for intents.
pub async fn nothing_follows_a_terminal_event(h: &Harness) {
    let scene = running(h).await;
    append_ok(h, scene.completion()).await;
    assert_eq!(append(h, scene.deltas(1)).await, Appended::Stale);
    assert_eq!(append(h, scene.completion()).await, Appended::Stale);
    for status in RunStatus::ALL {
        let mut intent = scene.cancel();
        intent.expect_status = status;
        assert_eq!(
            h.store().intend(intent).await.unwrap(),
            Intended::Conflict,
            "{status}"
        );
    }
    assert_eq!(scene.types(h).await, ["run.started", "run.completed"]);
    let head = scene.head(h).await;
    assert_eq!((head.status, head.owned), (RunStatus::Completed, false));
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
}

/// One change can't hold two ends either.
pub async fn a_log_has_one_terminal_event(h: &Harness) {
    let scene = running(h).await;
    let twice = scene.change(
        vec![event("run.completed"), event("run.failed")],
        ended(RunStatus::Failed),
    );
    let refused = append(h, twice).await;
    assert!(matches!(refused, Appended::Invalid { .. }), "{refused:?}");
    assert_eq!(scene.types(h).await, ["run.started"]);
    append_ok(h, scene.completion()).await;
}

/// A released run is free, at once or after its time, and its old owner is stale.
pub async fn a_release_gives_the_run_up(h: &Harness) {
    let scene = running(h).await;
    let release = Projection {
        release: Some(Wake::Now),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("step.retried")], release)).await;
    let head = scene.head(h).await;
    assert_eq!((head.status, head.owned), (RunStatus::Running, false));
    assert_eq!(append(h, scene.deltas(1)).await, Appended::Stale);
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].lost, claimed[0].attempts), (None, 1));
    assert!(claimed[0].epoch > scene.epoch);
}

/// A run that sleeps is claimed when its time has come and not before.
pub async fn a_sleeping_run_wakes_after_its_time(h: &Harness) {
    let scene = running(h).await;
    let sleep = Projection {
        status: Some(RunStatus::WaitingForInput),
        release: Some(Wake::After(Duration::from_secs(4))),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("run.waiting_for_input")], sleep)).await;
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
    assert!(h.pass(Duration::from_secs(1)).await);
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
    assert!(h.pass(Duration::from_secs(4)).await);
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(
        (claimed[0].run_id, claimed[0].status),
        (scene.run, RunStatus::WaitingForInput)
    );
}

/// A change may bring a projection without events.
pub async fn a_projection_needs_no_event(h: &Harness) {
    let scene = running(h).await;
    let projection = Projection {
        release: Some(Wake::Now),
        ..Projection::default()
    };
    assert_eq!(append_ok(h, scene.change(vec![], projection)).await, 1);
    assert_eq!(scene.types(h).await, ["run.started"]);
    assert_eq!(h.store().claim(scene.node, 10).await.unwrap().len(), 1);
}

/// The thread is free when its run has ended, and busy while it waits or is being cancelled.
pub async fn one_live_run_per_thread(h: &Harness) {
    let scene = running(h).await;
    let queue = crate::OnBusy::Enqueue { max_queued: 1 };
    let new = NewRun {
        on_busy: queue,
        ..new_run(&scene.tenant, scene.thread)
    };
    let queued = new.run_id;
    create(h, new).await;
    h.store().intend(scene.cancel()).await.unwrap();
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
    let end = scene.change(vec![event("run.cancelled")], ended(RunStatus::Cancelled));
    append_ok(h, end).await;
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!(
        claimed.iter().map(|c| c.run_id).collect::<Vec<_>>(),
        [queued]
    );
    let other = running_for(h, &scene.tenant, scene.node).await;
    append_ok(h, other.deltas(1)).await;
}
