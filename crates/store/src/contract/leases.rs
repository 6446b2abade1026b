//! Leases of nodes, and what becomes of the runs of those that lose theirs.

use std::time::Duration;

use runloom_domain::NodeId;
use runloom_domain::event::ResumeReason;

use super::Harness;
use super::fixtures::{append, append_ok, create, new_run, node, now, running, tenant, thread};
use crate::{Appended, ClaimedRun, OwnedRun};

/// A lease lasts 15 s.
const MORE_THAN_A_LEASE: Duration = Duration::from_secs(16);

/// A new node that holds its lease after `old` has lost its own.
pub(super) async fn outlive(h: &Harness, old: NodeId) -> NodeId {
    // Where the store is for one node, the old one is gone as soon as there is another.
    let waited = h.is_for_one_node() || h.pass(MORE_THAN_A_LEASE).await;
    assert!(waited, "a lease is not too long to wait for");
    let new = node(h).await;
    assert_ne!(old, new);
    new
}

async fn claim_one(h: &Harness, node: NodeId) -> ClaimedRun {
    let mut claimed = h.store().claim(node, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

/// Who never had a lease and whose lease is over claims nothing.
pub async fn a_claim_needs_a_lease(h: &Harness) {
    let tenant = tenant(h).await;
    let new = new_run(&tenant, thread(h, &tenant).await);
    create(h, new).await;
    let stranger = NodeId::generate(now());
    assert!(h.store().claim(stranger, 10).await.unwrap().is_empty());

    let slow = node(h).await;
    assert!(h.pass(MORE_THAN_A_LEASE).await);
    assert!(h.store().claim(slow, 10).await.unwrap().is_empty());
    h.store().renew_lease(slow).await.unwrap();
    claim_one(h, slow).await;
}

/// A lease that is renewed doesn't end, and its runs aren't freed.
pub async fn a_renewed_lease_lasts(h: &Harness) {
    let scene = running(h).await;
    for _ in 0..3 {
        assert!(h.pass(Duration::from_secs(6)).await);
        h.store().renew_lease(scene.node).await.unwrap();
        assert_eq!(h.store().free_lost(scene.node).await.unwrap(), 0);
    }
    if !h.is_for_one_node() {
        let other = node(h).await;
        assert_eq!(h.store().free_lost(other).await.unwrap(), 0);
        assert!(h.store().claim(other, 10).await.unwrap().is_empty());
    }
    append_ok(h, scene.deltas(1)).await;
}

/// The runs of a node whose lease has ended are freed, once, and the node can't write to them
/// any more, whether or not somebody has taken them.
pub async fn a_lost_run_is_freed(h: &Harness) {
    let scene = running(h).await;
    let next = outlive(h, scene.node).await;
    assert!(h.store().claim(next, 10).await.unwrap().is_empty());
    assert_eq!(h.store().free_lost(next).await.unwrap(), 1);
    assert_eq!(h.store().free_lost(next).await.unwrap(), 0);
    assert!(!scene.head(h).await.owned);
    assert_eq!(append(h, scene.deltas(1)).await, Appended::Stale);
    let claimed = claim_one(h, next).await;
    assert_eq!(claimed.run_id, scene.run);
    assert_eq!(claimed.lost, Some(ResumeReason::LeaseExpired));
    assert_eq!((claimed.epoch, claimed.attempts), (scene.epoch + 1, 2));
    assert_eq!(append(h, scene.deltas(1)).await, Appended::Stale);
    assert_eq!(scene.types(h).await, ["run.started"]);
}

/// A run may be in the name of a node that has no lease and never had one: its row was forgotten
/// while it slept, and then it created a run.
pub async fn a_run_of_an_unknown_node_is_freed(h: &Harness) {
    let tenant = tenant(h).await;
    let mut new = new_run(&tenant, thread(h, &tenant).await);
    new.owner = Some(NodeId::generate(now()));
    let run_id = new.run_id;
    create(h, new).await;
    let node = node(h).await;
    assert!(h.store().claim(node, 10).await.unwrap().is_empty());
    assert_eq!(h.store().free_lost(node).await.unwrap(), 1);
    let claimed = claim_one(h, node).await;
    assert_eq!(claimed.run_id, run_id);
    assert_eq!(claimed.lost, Some(ResumeReason::LeaseExpired));
}

/// A node that ends its lease hands its runs over, and claims nothing until it has a new one.
pub async fn a_stopped_node_hands_over(h: &Harness) {
    let scene = running(h).await;
    h.store().end_lease(scene.node).await.unwrap();
    assert_eq!(append(h, scene.deltas(1)).await, Appended::Stale);
    assert!(h.store().claim(scene.node, 10).await.unwrap().is_empty());
    let next = node(h).await;
    let claimed = claim_one(h, next).await;
    assert_eq!(claimed.lost, Some(ResumeReason::Handover));
    assert_eq!((claimed.epoch, claimed.attempts), (scene.epoch + 1, 1));
    assert_eq!(h.store().free_lost(next).await.unwrap(), 0);
}

/// Only the node's own runs are handed over.
pub async fn others_keep_their_runs(h: &Harness) {
    let (stopped, other) = (running(h).await, running(h).await);
    h.store().end_lease(stopped.node).await.unwrap();
    append_ok(h, other.deltas(1)).await;
    let claimed = claim_one(h, other.node).await;
    assert_eq!(claimed.run_id, stopped.run);
    // Ending a lease that isn't there is harmless.
    h.store().end_lease(stopped.node).await.unwrap();
    h.store().end_lease(NodeId::generate(now())).await.unwrap();
}

/// A run that its owner frees is lost: the owner is stale, the next claim counts and says why.
pub async fn a_disowned_run_is_lost(h: &Harness) {
    let (scene, other) = (running(h).await, node(h).await);
    let own = OwnedRun {
        org_id: scene.tenant.org,
        run_id: scene.run,
        epoch: scene.epoch,
    };
    let stranger = OwnedRun {
        epoch: scene.epoch + 1,
        ..own
    };
    assert!(!h.store().disown(stranger).await.unwrap());
    assert!(h.store().disown(own).await.unwrap());
    assert!(!h.store().disown(own).await.unwrap());
    assert_eq!(append(h, scene.deltas(1)).await, Appended::Stale);
    let claimed = h.store().claim(other, 1).await.unwrap();
    let [run] = &claimed[..] else {
        panic!("{claimed:?}")
    };
    assert_eq!(run.lost, Some(ResumeReason::LeaseExpired));
    assert_eq!((run.epoch, run.attempts), (scene.epoch + 1, 2));
}

/// A node can look up what it owns, until it owns it no more.
pub async fn a_node_knows_its_runs(h: &Harness) {
    let (scene, other) = (running(h).await, running(h).await);
    let own = OwnedRun {
        org_id: scene.tenant.org,
        run_id: scene.run,
        epoch: scene.epoch,
    };
    assert_eq!(h.store().owned(scene.node).await.unwrap(), [own]);
    h.store().disown(own).await.unwrap();
    assert_eq!(h.store().owned(scene.node).await.unwrap(), []);
    let claimed = h.store().claim(other.node, 1).await.unwrap();
    let taken = OwnedRun {
        epoch: claimed[0].epoch,
        ..own
    };
    let owned = h.store().owned(other.node).await.unwrap();
    assert!(owned.len() == 2 && owned.contains(&taken), "{owned:?}");
}

/// A node hears which of its runs are to end, until they have.
pub async fn a_node_hears_of_cancelled_runs(h: &Harness) {
    let (scene, other) = (running(h).await, running(h).await);
    assert_eq!(h.store().cancelling(scene.node).await.unwrap(), []);
    h.store().intend(scene.cancel()).await.unwrap();
    let asked = h.store().cancelling(scene.node).await.unwrap();
    assert_eq!(asked, [(scene.tenant.org, scene.run)]);
    assert_eq!(h.store().cancelling(other.node).await.unwrap(), []);
    append_ok(h, scene.completion()).await;
    assert_eq!(h.store().cancelling(scene.node).await.unwrap(), []);
}
