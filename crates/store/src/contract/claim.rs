//! Taking free runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use runloom_domain::{RunId, RunStatus};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Harness;
use super::fixtures::{
    Scene, Tenant, answer_message, append_ok, call, create, event, new_run, node, running,
    running_for, tenant, thread,
};
use crate::{NewRun, OnBusy, Projection, Wake};

/// A claim sets the owner, raises epoch and attempts, and tells what a node must know.
pub async fn a_claim_takes_the_run(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let new = new_run(&tenant, thread(h, &tenant).await);
    let (run, thread, at, trace) = (new.run_id, new.thread_id, new.created_at, new.trace_id);
    create(h, new).await;
    super::fixtures::post(h, &tenant, thread, "hi").await;
    let claimed = h.store().claim(node, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let claimed = &claimed[0];
    assert_eq!(
        (claimed.org_id, claimed.run_id, claimed.thread_id),
        (tenant.org, run, thread)
    );
    assert_eq!(
        (claimed.epoch, claimed.attempts, claimed.lost),
        (1, 1, None)
    );
    assert_eq!((claimed.status, claimed.last_seq), (RunStatus::Running, 1));
    assert_eq!((claimed.thread_position, claimed.created_at), (1, at));
    assert_eq!(claimed.trace_id, trace);
    let scene = Scene {
        tenant,
        thread,
        node,
        run,
        epoch: claimed.epoch,
    };
    assert!(scene.head(h).await.owned);
    assert!(h.store().claim(node, 10).await.unwrap().is_empty());
    assert_eq!(append_ok(h, scene.deltas(1)).await, 1);
}

/// No more than asked for at once, and all in the end.
pub async fn a_claim_has_a_limit(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut left = BTreeSet::new();
    for _ in 0..5 {
        let new = new_run(&tenant, thread(h, &tenant).await);
        left.insert(new.run_id);
        create(h, new).await;
    }
    for expected in [2, 2, 1, 0] {
        let claimed = h.store().claim(node, 2).await.unwrap();
        assert_eq!(claimed.len(), expected);
        for run in claimed {
            assert!(left.remove(&run.run_id), "a run is claimed once");
        }
    }
}

/// Runs of every organisation are claimed.
pub async fn claims_know_no_organisations(h: &Harness) {
    let node = node(h).await;
    let mut runs = BTreeSet::new();
    for _ in 0..3 {
        let tenant = tenant(h).await;
        let new = new_run(&tenant, thread(h, &tenant).await);
        runs.insert((tenant.org, new.run_id));
        create(h, new).await;
    }
    let claimed = h.store().claim(node, 10).await.unwrap();
    let found: BTreeSet<_> = claimed.iter().map(|c| (c.org_id, c.run_id)).collect();
    assert_eq!(found, runs);
}

/// An organisation's first run waits for one run of each other, not for all of them.
pub async fn organisations_take_turns(h: &Harness) {
    let node = node(h).await;
    let free = async |tenant: &Tenant, count: usize| {
        for _ in 0..count {
            create(h, new_run(tenant, thread(h, tenant).await)).await;
        }
    };
    let [busy, second, third] = [tenant(h).await, tenant(h).await, tenant(h).await];
    free(&busy, 20).await;
    free(&second, 1).await;
    free(&third, 3).await;
    let claim = async |limit| {
        let claimed = h.store().claim(node, limit).await.unwrap();
        claimed.iter().map(|run| run.org_id).collect::<Vec<_>>()
    };
    // Two whole rounds: whose turn comes first in a round depends on the ids.
    let orgs = claim(5).await;
    let count = |org| orgs.iter().filter(|claimed| **claimed == org).count();
    assert_eq!(
        [count(busy.org), count(second.org), count(third.org)],
        [2, 1, 2]
    );
    // One at a time: the turns go on from claim to claim.
    let late = tenant(h).await;
    free(&late, 2).await;
    let orgs = [claim(1).await, claim(1).await, claim(1).await].concat();
    assert_eq!(orgs.iter().collect::<BTreeSet<_>>().len(), 3, "{orgs:?}");
    assert_eq!(claim(100).await.len(), 18);
    free(&late, 1).await;
    assert_eq!(claim(2).await, [late.org]);
}

/// Within an organisation the one that has waited longest comes first.
pub async fn runs_of_an_organisation_come_in_order(h: &Harness) {
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut runs = Vec::new();
    for _ in 0..5 {
        let new = new_run(&tenant, thread(h, &tenant).await);
        runs.push(new.run_id);
        create(h, new).await;
    }
    let mut claimed = Vec::new();
    for _ in 0..5 {
        let run = h.store().claim(node, 1).await.unwrap();
        claimed.extend(run.iter().map(|run| run.run_id));
    }
    assert_eq!(claimed, runs);
}

/// Takes runs until there are none, beside others who do the same.
async fn race_for_runs(h: &Harness, claimers: usize, limit: u32) -> Vec<RunId> {
    let start = Arc::new(Barrier::new(claimers));
    let mut tasks = JoinSet::new();
    for _ in 0..claimers {
        let (store, start, node) = (h.shared(), Arc::clone(&start), node(h).await);
        tasks.spawn(async move {
            start.wait().await;
            let mut taken = Vec::new();
            // A claim passes over rows that another holds for the moment, so an empty one
            // doesn't mean that there are none left.
            let mut empty = 0;
            while empty < 20 {
                let claimed = store.claim(node, limit).await.unwrap();
                empty = if claimed.is_empty() { empty + 1 } else { 0 };
                taken.extend(claimed.iter().map(|claimed| claimed.run_id));
                tokio::task::yield_now().await;
            }
            taken
        });
    }
    tasks.join_all().await.concat()
}

/// Two claimers never take the same run.
pub async fn two_claimers_share_the_runs(h: &Harness) {
    let tenant = tenant(h).await;
    for _ in 0..20 {
        let new = new_run(&tenant, thread(h, &tenant).await);
        create(h, new).await;
    }
    let taken = race_for_runs(h, 2, 3).await;
    assert_eq!(taken.len(), 20);
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>().len(), 20);
}

/// 202 queued runs, whose threads have all become free, and eight claimers.
pub async fn eight_claimers_take_each_queued_run_once(h: &Harness) {
    const RUNS: usize = 202;
    let (tenant, node) = (tenant(h).await, node(h).await);
    let mut expected = BTreeSet::new();
    let mut ends = Vec::new();
    for _ in 0..RUNS {
        let scene = running_for(h, &tenant, node).await;
        let new = NewRun {
            on_busy: OnBusy::Enqueue { max_queued: 1 },
            ..new_run(&tenant, scene.thread)
        };
        expected.insert(new.run_id);
        create(h, new).await;
        ends.push(scene.completion());
    }
    assert!(h.store().claim(node, 10).await.unwrap().is_empty());
    h.store().append(ends).await.unwrap();
    let taken = race_for_runs(h, 8, 5).await;
    assert_eq!(taken.len(), RUNS);
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), expected);
}

/// Two queued runs of one thread are never claimed together, whoever claims.
pub async fn one_run_of_a_thread_at_a_time(h: &Harness) {
    let scene = running(h).await;
    let mut queued = Vec::new();
    for _ in 0..4 {
        let new = NewRun {
            on_busy: OnBusy::Enqueue { max_queued: 4 },
            ..new_run(&scene.tenant, scene.thread)
        };
        queued.push(new.run_id);
        create(h, new).await;
    }
    append_ok(h, scene.completion()).await;
    assert_eq!(race_for_runs(h, 4, 10).await, queued[..1]);
}

/// Losses count; a message written or a release is progress, events alone are not.
pub async fn attempts_count_claims_without_progress(h: &Harness) {
    let mut scene = running(h).await;
    // Being created with an owner was the first.
    for expected in [2, 3] {
        scene = lose_and_claim(h, scene, expected).await;
        append_ok(
            h,
            scene.change(vec![event("run.resumed")], Projection::default()),
        )
        .await;
        let retried = Projection {
            calls: vec![call(1, expected)],
            ..Projection::default()
        };
        append_ok(h, scene.change(vec![event("step.retried")], retried)).await;
    }
    let step = Projection {
        messages: vec![answer_message("x")],
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![event("step.completed")], step)).await;
    scene = lose_and_claim(h, scene, 1).await;
    scene = lose_and_claim(h, scene, 2).await;
    let release = Projection {
        release: Some(Wake::Now),
        ..Projection::default()
    };
    append_ok(h, scene.change(vec![], release)).await;
    let claimed = h.store().claim(scene.node, 10).await.unwrap();
    assert_eq!((claimed[0].attempts, claimed[0].lost), (1, None));
}

/// The node's lease ends, another node frees the run and takes it.
async fn lose_and_claim(h: &Harness, lost: Scene, attempts: u32) -> Scene {
    let next = super::leases::outlive(h, lost.node).await;
    assert_eq!(h.store().free_lost(next).await.unwrap(), 1);
    let claimed = h.store().claim(next, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(
        (claimed[0].run_id, claimed[0].attempts),
        (lost.run, attempts)
    );
    Scene {
        node: next,
        epoch: claimed[0].epoch,
        ..lost
    }
}
