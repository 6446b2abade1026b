//! The count of the runs that haven't ended.

use std::collections::BTreeMap;
use std::time::Duration;

use runloom_domain::{NodeId, RunStatus};

use super::Harness;
use super::fixtures::{
    Scene, append_ok, create, new_run, now, running, running_for, tenant, thread, waiting,
};
use super::leases::outlive;
use crate::{Census, OnBusy};

async fn take(h: &Harness) -> Census {
    h.store().census().await.unwrap()
}

/// A run that waits behind the scene's one.
async fn enqueue(h: &Harness, scene: &Scene) {
    let mut new = new_run(&scene.tenant, scene.thread);
    new.on_busy = OnBusy::Enqueue { max_queued: 3 };
    create(h, new).await;
}

/// Runs of all organisations are counted by their status; those that have ended aren't.
pub async fn runs_are_counted_until_they_end(h: &Harness) {
    assert_eq!(take(h).await, Census::default());
    let first = running(h).await;
    let second = running_for(h, &tenant(h).await, first.node).await;
    waiting(h).await;
    enqueue(h, &first).await;
    h.store().intend(second.cancel()).await.unwrap();
    let all = [
        (RunStatus::Queued, 1),
        (RunStatus::Running, 1),
        (RunStatus::WaitingForInput, 1),
        (RunStatus::Cancelling, 1),
    ];
    assert_eq!(take(h).await.live, BTreeMap::from(all));
    append_ok(h, first.completion()).await;
    append_ok(h, second.completion()).await;
    let left = [(RunStatus::Queued, 1), (RunStatus::WaitingForInput, 1)];
    assert_eq!(take(h).await.live, BTreeMap::from(left));
}

/// A run that is to be claimed waits since it became due; owned, waiting and queued ones don't.
pub async fn a_due_run_grows_older(h: &Harness) {
    let owned = running(h).await;
    waiting(h).await;
    enqueue(h, &owned).await;
    assert_eq!(take(h).await.oldest_due, None);
    let tenant = tenant(h).await;
    let free = new_run(&tenant, thread(h, &tenant).await);
    create(h, free).await;
    let minute = Duration::from_mins(1);
    let young = take(h).await.oldest_due.expect("one is due");
    assert!(young < minute, "{young:?}");
    if h.pass(minute).await {
        let old = take(h).await.oldest_due.expect("it is due still");
        assert!(old >= minute, "{old:?}");
    }
    h.store().renew_lease(owned.node).await.unwrap();
    assert_eq!(h.store().claim(owned.node, 10).await.unwrap().len(), 1);
    assert_eq!(take(h).await.oldest_due, None);
}

/// A run whose owner has lost its lease is seen until it is freed.
pub async fn a_run_without_a_lease_is_seen(h: &Harness) {
    let scene = running(h).await;
    waiting(h).await;
    assert_eq!(take(h).await.unleased, 0);
    let mut new = new_run(&scene.tenant, thread(h, &scene.tenant).await);
    new.owner = Some(NodeId::generate(now()));
    create(h, new).await;
    assert_eq!(take(h).await.unleased, 1);
    assert_eq!(h.store().free_lost(scene.node).await.unwrap(), 1);
    assert_eq!(take(h).await.unleased, 0);
    if h.is_for_one_node() {
        return;
    }
    let next = outlive(h, scene.node).await;
    assert_eq!(take(h).await.unleased, 1);
    assert_eq!(h.store().free_lost(next).await.unwrap(), 1);
    assert_eq!(take(h).await.unleased, 0);
}
