//! Letting events expire, and forgetting keys.

use std::time::Duration;

use runloom_domain::{OrgId, ToolCallId};

use super::Harness;
use super::fixtures::{
    Scene, answer_message, append_ok, done, ended, event, first_page, idempotency, new_thread,
    node, now, running, running_for, someone, tenant,
};
use crate::ToolOutput;
use runloom_domain::RunStatus;

/// Longer than any retention here. The times of events come from their writers, whose clock may
/// be far from the adapter's.
const AGES: Duration = Duration::from_hours(24 * 365 * 20);

/// Ends the scene's run, with a message and the output of a tool; returns the tool's call.
async fn end(h: &Harness, scene: &Scene) -> ToolCallId {
    let call = ToolCallId::generate(now());
    let mut projection = ended(RunStatus::Completed);
    projection.messages = vec![answer_message("the answer")];
    projection.outputs = vec![ToolOutput {
        tool_call_id: call,
        content: "the output".to_owned(),
    }];
    let events = vec![event("step.completed"), event("run.completed")];
    append_ok(h, scene.change(events, projection)).await;
    call
}

/// Lets all runs expire whose time is over; returns how many.
async fn expire(h: &Harness, days: u32, limit: u32) -> u64 {
    let (mut runs, mut from) = (0, None);
    loop {
        let step = h.store().expire_runs(days, from, limit).await.unwrap();
        assert!(step.runs <= u64::from(limit));
        runs += step.runs;
        match step.next {
            Some(next) => from = Some(next),
            None => return runs,
        }
    }
}

/// Deletes all that has expired; returns how many steps it took.
async fn delete(h: &Harness, days: u32, limit: u32) -> u64 {
    let mut steps = 1;
    while h.store().delete_expired(days, limit).await.unwrap().more {
        steps += 1;
    }
    steps
}

async fn count_events(h: &Harness, scene: &Scene) -> usize {
    let (org, run) = (scene.tenant.org, scene.run);
    h.store().events(org, run, 0, 1_000).await.unwrap().len()
}

async fn is_expired(h: &Harness, scene: &Scene) -> bool {
    scene.head(h).await.events_expired
}

/// A run expires some days after its end; then its events and outputs go, and the rest stays.
pub async fn an_ended_run_expires(h: &Harness) {
    let scene = running(h).await;
    append_ok(h, scene.deltas(5)).await;
    let call = end(h, &scene).await;
    let (last_seq, record) = (scene.head(h).await.last_seq, scene.record(h).await);
    if !h.pass(AGES).await {
        return;
    }
    assert_eq!(expire(h, 0, 9).await, 0, "0 days are for ever");
    assert_eq!(expire(h, 365 * 80, 9).await, 0, "its time is not over");
    assert!(!is_expired(h, &scene).await);
    assert_eq!(expire(h, 30, 9).await, 1);
    assert!(is_expired(h, &scene).await);
    assert_eq!(expire(h, 30, 9).await, 0, "it expires once");

    delete(h, 30, 100).await;
    assert_eq!(count_events(h, &scene).await, 0);
    let output = h.store().tool_output(scene.tenant.org, scene.run, call);
    assert_eq!(output.await.unwrap(), None);
    let (head, after) = (scene.head(h).await, scene.record(h).await);
    assert_eq!((head.last_seq, head.events_expired), (last_seq, true));
    assert_eq!(after.status, record.status);
    assert_eq!(after.credits_used, record.credits_used);
    assert_eq!(scene.own_messages(h).await.len(), 1);
    let rest = h.store().delete_expired(30, 100).await.unwrap();
    assert_eq!((rest.rows, rest.more), (0, false));
}

/// Whatever its age: it may still be worked on, and then it is rebuilt from its log.
pub async fn a_run_that_has_not_ended_stays(h: &Harness) {
    let scene = running(h).await;
    append_ok(h, scene.deltas(2)).await;
    if !h.pass(AGES).await {
        return;
    }
    assert_eq!(expire(h, 1, 9).await, 0);
    delete(h, 1, 100).await;
    assert_eq!(count_events(h, &scene).await, 3);
}

/// An organisation's own retention goes before the deployment's, both ways.
pub async fn an_organisation_has_its_own_retention(h: &Harness) {
    let node = node(h).await;
    let mut scenes = Vec::new();
    for days in [None, Some(0), Some(1)] {
        let tenant = tenant(h).await;
        let set = h.store().set_event_retention(tenant.org, days, someone());
        assert!(set.await.unwrap());
        let scene = running_for(h, &tenant, node).await;
        end(h, &scene).await;
        scenes.push(scene);
    }
    let nobody = OrgId::generate(now());
    let set = h
        .store()
        .set_event_retention(nobody, Some(1), someone())
        .await;
    assert!(!set.unwrap());
    if !h.pass(AGES).await {
        return;
    }
    let expired = async || {
        let [a, b, c] = [&scenes[0], &scenes[1], &scenes[2]];
        [
            is_expired(h, a).await,
            is_expired(h, b).await,
            is_expired(h, c).await,
        ]
    };
    assert_eq!(expire(h, 0, 9).await, 1);
    assert_eq!(expired().await, [false, false, true]);
    assert_eq!(expire(h, 1, 9).await, 1);
    assert_eq!(expired().await, [true, false, true]);
    let set = h
        .store()
        .set_event_retention(scenes[1].tenant.org, None, someone());
    assert!(set.await.unwrap());
    assert_eq!(expire(h, 1, 9).await, 1);
}

/// Steps are small and come to an end: many runs of several organisations, and a long log.
pub async fn steps_are_small(h: &Harness) {
    let node = node(h).await;
    let mut scenes = Vec::new();
    for _ in 0..2 {
        let tenant = tenant(h).await;
        for _ in 0..3 {
            let scene = running_for(h, &tenant, node).await;
            append_ok(h, scene.deltas(40)).await;
            end(h, &scene).await;
            scenes.push(scene);
        }
    }
    if !h.pass(AGES).await {
        return;
    }
    assert_eq!(expire(h, 1, 2).await, 6);
    let first = h.store().delete_expired(1, 10).await.unwrap();
    assert!(first.more && first.rows <= 10, "{first:?}");
    assert!(delete(h, 1, 10).await >= 6 * 43 / 10);
    for scene in &scenes {
        assert_eq!(count_events(h, scene).await, 0);
    }
}

/// What several nodes do at once is done once.
pub async fn steps_may_race(h: &Harness) {
    let scene = running(h).await;
    append_ok(h, scene.deltas(40)).await;
    end(h, &scene).await;
    if !h.pass(AGES).await {
        return;
    }
    let (one, other) = (h.shared(), h.shared());
    let (a, b) = tokio::join!(one.expire_runs(1, None, 9), other.expire_runs(1, None, 9));
    assert_eq!(a.unwrap().runs + b.unwrap().runs, 1);
    let (a, b) = tokio::join!(one.tend_log(1), other.tend_log(1));
    a.and(b).unwrap();
    let (a, b) = tokio::join!(one.delete_expired(1, 99), other.delete_expired(1, 99));
    a.and(b).unwrap();
    delete(h, 1, 99).await;
    assert_eq!(count_events(h, &scene).await, 0);
}

/// Keys are deleted once they are forgotten, and no earlier.
pub async fn forgotten_keys_are_deleted(h: &Harness) {
    let tenant = tenant(h).await;
    let once = idempotency(&tenant, "POST /threads");
    let created = h
        .store()
        .create_thread(new_thread(&tenant), Some(once.clone()));
    done(created.await.unwrap());
    for _ in 0..4 {
        let another = idempotency(&tenant, "POST /threads");
        let created = h.store().create_thread(new_thread(&tenant), Some(another));
        done(created.await.unwrap());
    }
    let none = h.store().delete_keys(9).await.unwrap();
    assert_eq!((none.rows, none.more), (0, false));
    if !h.pass(Duration::from_hours(25)).await {
        return;
    }
    let fresh = idempotency(&tenant, "POST /threads");
    let created = h
        .store()
        .create_thread(new_thread(&tenant), Some(fresh.clone()));
    done(created.await.unwrap());
    let mut rows = 0;
    loop {
        let step = h.store().delete_keys(2).await.unwrap();
        rows += step.rows;
        if !step.more {
            break;
        }
    }
    assert_eq!(rows, 5);
    let kept = h.store().kept_answer(tenant.org, &fresh).await.unwrap();
    assert_eq!(kept, Some(Ok(fresh.answer.clone())));
    let threads = h.store().threads(tenant.org, first_page(9)).await.unwrap();
    assert_eq!(threads.items.len(), 6, "what was created stays");
}
