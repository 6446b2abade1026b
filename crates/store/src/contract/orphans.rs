//! Children whose parents have ended, and runs that are made due before their time.

use std::time::Duration;

use runloom_domain::{RunId, RunStatus};

use super::Harness;
use super::fixtures::{
    Scene, append_ok, child_of, create, ended, event, new_run, node, now, running, running_for,
    spawn, tenant,
};
use crate::{Intended, NewRun, OnBusy, Orphan, Projection, Wake};

async fn orphans(h: &Harness) -> Vec<Orphan> {
    let mut found = h.store().orphans(99).await.unwrap();
    found.sort_unstable();
    found
}

/// These runs as orphans.
fn as_orphans<const N: usize>(scenes: [&Scene; N]) -> Vec<Orphan> {
    let mut orphans: Vec<Orphan> = scenes
        .iter()
        .map(|scene| Orphan {
            org_id: scene.tenant.org,
            run_id: scene.run,
        })
        .collect();
    orphans.sort_unstable();
    orphans
}

/// Gives a run up in a status, until its time comes.
async fn rest(h: &Harness, scene: &Scene, status: RunStatus, wake: Wake) {
    let projection = Projection {
        status: Some(status),
        release: Some(wake),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("tool.paused")], projection)).await;
}

const AN_HOUR: Wake = Wake::After(Duration::from_hours(1));

/// An orphan is a child that goes on when its parent has ended: at work, at rest, waiting for a
/// person or for a worker, but not one that has been asked to end, or has ended.
pub async fn children_outlive_their_parents(h: &Harness) {
    let (parent, other) = (running(h).await, running(h).await);
    let at_work = spawn(h, &parent).await;
    let resting = spawn(h, &parent).await;
    rest(h, &resting, RunStatus::Running, AN_HOUR).await;
    let waiting = spawn(h, &parent).await;
    rest(h, &waiting, RunStatus::WaitingForInput, Wake::Never).await;
    let new = child_of(&parent);
    let free = Scene {
        run: new.run_id,
        ..parent.clone()
    };
    create(h, new).await;
    let cancelling = spawn(h, &parent).await;
    let asked = h.store().intend(cancelling.cancel()).await.unwrap();
    assert!(matches!(asked, Intended::Applied { .. }));
    let grandchild = spawn(h, &waiting).await;
    let done = spawn(h, &parent).await;
    append_ok(h, done.completion()).await;
    spawn(h, &other).await;
    assert_eq!(orphans(h).await, []);

    append_ok(h, parent.completion()).await;
    let expected = as_orphans([&at_work, &resting, &waiting, &free]);
    assert_eq!(orphans(h).await, expected);
    assert_eq!(h.store().orphans(2).await.unwrap().len(), 2);
    append_ok(h, at_work.completion()).await;
    let cancel = crate::Intent {
        expect_status: RunStatus::WaitingForInput,
        projection: ended(RunStatus::Cancelled),
        ..waiting.intent("run.cancelled", Projection::default())
    };
    h.store().intend(cancel).await.unwrap();
    let expected = as_orphans([&resting, &free, &grandchild]);
    assert_eq!(orphans(h).await, expected);
}

/// Whoever looks finds those of all organisations.
pub async fn orphans_are_of_all_organisations(h: &Harness) {
    let node = node(h).await;
    let mut children = Vec::new();
    for _ in 0..3 {
        let parent = running_for(h, &tenant(h).await, node).await;
        children.push(spawn(h, &parent).await);
        append_ok(h, parent.completion()).await;
    }
    let expected = as_orphans([&children[0], &children[1], &children[2]]);
    assert_eq!(orphans(h).await, expected);
}

/// A run that rests is due at once when it is hastened, and the next claim takes it.
pub async fn a_resting_run_is_hastened(h: &Harness) {
    let parent = running(h).await;
    rest(h, &parent, RunStatus::Running, AN_HOUR).await;
    assert!(h.store().claim(parent.node, 9).await.unwrap().is_empty());
    let hasten = async || h.store().hasten(parent.tenant.org, parent.run).await;
    assert!(hasten().await.unwrap());
    assert!(!hasten().await.unwrap(), "it is due already");
    let claimed = h.store().claim(parent.node, 9).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].run_id), (1, parent.run));
    assert_eq!((claimed[0].lost, claimed[0].attempts), (None, 1));
    assert!(!hasten().await.unwrap(), "somebody owns it");
    assert_eq!(parent.types(h).await, ["run.started", "tool.paused"]);
}

/// Not one that is owned, waits for a person, waits for its turn, has ended, or is another's.
pub async fn only_a_resting_run_is_hastened(h: &Harness) {
    let (owned, resting) = (running(h).await, running(h).await);
    rest(h, &resting, RunStatus::Running, AN_HOUR).await;
    let waiting = running_for(h, &owned.tenant, owned.node).await;
    rest(h, &waiting, RunStatus::WaitingForInput, AN_HOUR).await;
    let asleep = running_for(h, &owned.tenant, owned.node).await;
    rest(h, &asleep, RunStatus::Running, Wake::Never).await;
    let done = running_for(h, &owned.tenant, owned.node).await;
    append_ok(h, done.completion()).await;
    let queued = NewRun {
        on_busy: OnBusy::Enqueue { max_queued: 1 },
        ..new_run(&owned.tenant, owned.thread)
    };
    let queued_id = queued.run_id;
    create(h, queued).await;
    let nobody = RunId::generate(now());
    for run in [
        owned.run,
        waiting.run,
        asleep.run,
        done.run,
        queued_id,
        nobody,
        resting.run,
    ] {
        assert!(!h.store().hasten(owned.tenant.org, run).await.unwrap());
    }
    assert!(h.store().claim(owned.node, 9).await.unwrap().is_empty());
    let own = h.store().hasten(resting.tenant.org, resting.run).await;
    assert!(own.unwrap());
}
