//! What people ask of a run, without its lease.

use std::time::Duration;

use runloom_domain::{NanoUsd, RunId, RunStatus};

use super::Harness;
use super::fixtures::{
    answer_message, append, append_ok, call, ended, event, now, running, waiting,
};
use crate::{Appended, Intended, Intent, Projection, StoreError, Wake};

/// An intent takes the run's next seq and writes what follows from it.
pub async fn an_intent_is_appended(h: &Harness) {
    let scene = waiting(h).await;
    let mut answer = scene.answer();
    answer.expect_seq = Some(2);
    answer.events.push(event("tool.result"));
    answer.projection.messages = vec![answer_message("42")];
    assert_eq!(
        h.store().intend(answer).await.unwrap(),
        Intended::Applied { base: 2 }
    );
    let types = scene.types(h).await;
    assert_eq!(types[2..], ["run.input_received", "tool.result"]);
    let head = scene.head(h).await;
    assert_eq!(
        (head.status, head.last_seq, head.owned),
        (RunStatus::Running, 4, false)
    );
    assert_eq!(scene.own_messages(h).await.len(), 1);
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].run_id, claimed[0].last_seq), (scene.run, 4));
}

/// Another status, another seq, no such run: nothing is written.
pub async fn the_unexpected_is_a_conflict(h: &Harness) {
    let scene = running(h).await;
    let other = [
        Intent {
            expect_status: RunStatus::WaitingForInput,
            ..scene.cancel()
        },
        Intent {
            expect_seq: Some(0),
            ..scene.cancel()
        },
        Intent {
            expect_seq: Some(2),
            ..scene.cancel()
        },
        Intent {
            run_id: RunId::generate(now()),
            ..scene.cancel()
        },
    ];
    for intent in other {
        assert_eq!(h.store().intend(intent).await.unwrap(), Intended::Conflict);
    }
    assert_eq!(scene.types(h).await, ["run.started"]);
    assert_eq!(scene.head(h).await.status, RunStatus::Running);
}

/// Whoever owns a running run keeps it when it is asked to end, and settles it.
pub async fn a_cancelled_run_keeps_its_owner(h: &Harness) {
    let scene = running(h).await;
    assert_eq!(
        h.store().intend(scene.cancel()).await.unwrap(),
        Intended::Applied { base: 1 }
    );
    let head = scene.head(h).await;
    assert_eq!(
        (head.status, head.owned, head.epoch),
        (RunStatus::Cancelling, true, scene.epoch)
    );
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
    let end = scene.change(vec![event("run.cancelled")], ended(RunStatus::Cancelled));
    assert_eq!(append_ok(h, end).await, 2);
    assert_eq!(scene.head(h).await.status, RunStatus::Cancelled);
}

/// A release takes the run from its owner and raises the epoch.
pub async fn a_release_makes_the_owner_stale(h: &Harness) {
    let scene = running(h).await;
    let taken = Projection {
        release: Some(Wake::Now),
        ..Projection::default()
    };
    let intent = scene.intent("run.cancel_requested", taken);
    assert!(matches!(
        h.store().intend(intent).await.unwrap(),
        Intended::Applied { .. }
    ));
    let head = scene.head(h).await;
    assert_eq!((head.owned, head.epoch), (false, scene.epoch + 1));
    assert_eq!(append(h, scene.deltas(1)).await, Appended::Stale);
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!((claimed[0].epoch, claimed[0].lost), (scene.epoch + 2, None));
    assert_eq!(append(h, scene.deltas(1)).await, Appended::Stale);
}

/// A run that nobody owns and that sleeps is looked at as soon as somebody asks something.
pub async fn an_intent_wakes_a_free_run(h: &Harness) {
    let scene = running(h).await;
    let sleep = Projection {
        release: Some(Wake::After(Duration::from_hours(1))),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("step.retried")], sleep)).await;
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
    assert!(matches!(
        h.store().intend(scene.cancel()).await.unwrap(),
        Intended::Applied { .. }
    ));
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].status, RunStatus::Cancelling);
}

/// A waiting run ends with the intent; nobody has to look at it again.
pub async fn a_waiting_run_ends_at_once(h: &Harness) {
    let scene = waiting(h).await;
    let mut cancel = scene.answer();
    cancel.events = vec![event("run.cancel_requested"), event("run.cancelled")];
    cancel.projection = Projection {
        release: Some(Wake::Never),
        calls: vec![call(1, 1)],
        ..ended(RunStatus::Cancelled)
    };
    assert_eq!(
        h.store().intend(cancel).await.unwrap(),
        Intended::Applied { base: 2 }
    );
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
    let run = scene.record(h).await;
    assert_eq!(
        (run.status, run.credits_used),
        (RunStatus::Cancelled, Some(3))
    );
    assert!(run.ended_at.is_some());
    assert_eq!(run.totals.cost, NanoUsd::ZERO);
    let again = h.store().intend(scene.answer()).await.unwrap();
    assert_eq!(again, Intended::Conflict);
}

/// Data that the database refuses is an error, and nothing of the intent is there.
pub async fn refused_data_is_an_error(h: &Harness) {
    let scene = waiting(h).await;
    let mut bad = scene.answer();
    bad.projection.calls = vec![call(1, 1), call(1, 1)];
    let mut nul = scene.answer();
    nul.projection.messages = vec![answer_message("\0")];
    for intent in [bad, nul] {
        let refused = h.store().intend(intent).await;
        assert!(
            matches!(refused, Err(StoreError::Rejected(_))),
            "{refused:?}"
        );
        assert_eq!(scene.types(h).await.len(), 2);
        assert_eq!(scene.head(h).await.status, RunStatus::WaitingForInput);
    }
    let answer = h.store().intend(scene.answer()).await.unwrap();
    assert_eq!(answer, Intended::Applied { base: 2 });
}
