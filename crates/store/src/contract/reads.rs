//! Reading a run and its log.

use super::Harness;
use runloom_domain::StoredEvent;

use super::fixtures::{Scene, append_ok, event, post, running, text_event};
use crate::{HistoryPart, Projection, Tail};

/// Pages of a log: after a seq, so many at most, and nothing beyond its end.
pub async fn events_are_read_in_pages(h: &Harness) {
    let scene = running(h).await;
    append_ok(h, scene.deltas(9)).await;
    let seqs = |after, limit| {
        let (store, org, run) = (h.store(), scene.tenant.org, scene.run);
        async move {
            let page = store.events(org, run, after, limit).await.unwrap();
            page.iter().map(|event| event.seq).collect::<Vec<_>>()
        }
    };
    assert_eq!(seqs(0, 4).await, [1, 2, 3, 4]);
    assert_eq!(seqs(4, 4).await, [5, 6, 7, 8]);
    assert_eq!(seqs(8, 4).await, [9, 10]);
    for after in [10, 11, u64::from(u32::MAX), i64::MAX as u64, u64::MAX] {
        assert!(seqs(after, 4).await.is_empty());
    }
}

/// The ends of many logs are read at once: each from its position, in order, so many at most;
/// nothing of a run that isn't there or is of another organisation, and a run may be named twice.
pub async fn tails_are_read_together(h: &Harness) {
    let (one, other) = (running(h).await, running(h).await);
    append_ok(h, one.deltas(5)).await;
    append_ok(h, other.deltas(2)).await;
    let tail = |scene: &Scene, after| Tail {
        org_id: scene.tenant.org,
        run_id: scene.run,
        after,
    };
    let foreign = Tail {
        org_id: other.tenant.org,
        ..tail(&one, 0)
    };
    let wanted = [
        tail(&other, 1),
        foreign,
        tail(&one, 0),
        tail(&one, 5),
        tail(&other, u64::MAX),
    ];
    let read = h.store().tails(wanted.to_vec(), 4).await.unwrap();
    let seqs = |events: &Vec<StoredEvent>| events.iter().map(|e| e.seq).collect::<Vec<_>>();
    let found: Vec<_> = read.iter().map(seqs).collect();
    assert_eq!(
        found,
        [vec![2, 3], vec![], vec![1, 2, 3, 4], vec![6], vec![]]
    );
    let list = h.store().events(one.tenant.org, one.run, 0, 4).await;
    assert_eq!(read[2], list.unwrap(), "they are what a page of it is");
    assert!(h.store().tails(vec![], 4).await.unwrap().is_empty());
}

/// The log without deltas, with the seqs that its events have.
pub async fn the_log_has_no_deltas(h: &Harness) {
    let scene = running(h).await;
    let step = [
        event("step.started"),
        event("message.delta"),
        text_event("reasoning.delta", "{}"),
        event("message.delta"),
        event("step.completed"),
        event("something.newer"),
    ];
    append_ok(h, scene.change(step.to_vec(), Projection::default())).await;
    let log = h
        .store()
        .log(scene.tenant.org, scene.run, 0, 100)
        .await
        .unwrap();
    let found: Vec<_> = log
        .iter()
        .map(|e| (e.seq, e.event.event_type.as_str()))
        .collect();
    let expected = [
        (1, "run.started"),
        (2, "step.started"),
        (6, "step.completed"),
        (7, "something.newer"),
    ];
    assert_eq!(found, expected);
    let log = h
        .store()
        .log(scene.tenant.org, scene.run, 2, 1)
        .await
        .unwrap();
    assert_eq!(log.iter().map(|e| e.seq).collect::<Vec<_>>(), [6]);
}

/// The newest messages up to a position, and the run's own after it, in order.
pub async fn history_has_an_end_and_a_limit(h: &Harness) {
    let scene = running(h).await;
    for n in 1..=4 {
        post(h, &scene.tenant, scene.thread, &n.to_string()).await;
    }
    let own = Projection {
        messages: vec![super::fixtures::answer_message("5")],
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("step.completed")], own)).await;
    post(h, &scene.tenant, scene.thread, "6").await;
    let positions = |part| {
        let (store, scene) = (h.store(), scene.clone());
        async move {
            let (org, thread) = (scene.tenant.org, scene.thread);
            let history = store.history(org, thread, scene.run, part).await.unwrap();
            history.iter().map(|m| m.position).collect::<Vec<_>>()
        }
    };
    let newest = HistoryPart::newest;
    assert_eq!(positions(newest(3, 100)).await, [1, 2, 3, 5]);
    assert_eq!(positions(newest(3, 2)).await, [3, 5]);
    assert_eq!(positions(newest(0, 100)).await, [5]);
    assert_eq!(positions(newest(100, 3)).await, [4, 5, 6]);
    let older = |before| HistoryPart {
        before,
        ..newest(3, 2)
    };
    assert_eq!(positions(older(6)).await, [3, 5]);
    assert_eq!(positions(older(5)).await, [2, 3]);
    assert_eq!(positions(older(2)).await, [1]);
    assert_eq!(positions(older(1)).await, [] as [u64; 0]);
}
