use std::collections::BTreeMap;
use std::time::Duration;

use runloom_domain::event::ResumeReason;
use runloom_domain::{NodeId, OrgId, RunId, RunStatus, Timestamp};

use super::state::{Run, State};
use crate::{ClaimedRun, OwnedRun, take_turns};

/// How long a lease lasts.
const LEASE: Duration = Duration::from_secs(15);

impl State {
    pub(super) fn renew_lease(&mut self, node: NodeId, now: Timestamp) {
        self.leases.insert(node, now + LEASE);
    }

    pub(super) fn holds_lease(&self, node: NodeId, now: Timestamp) -> bool {
        self.leases.get(&node).is_some_and(|until| *until > now)
    }

    pub(super) fn claim(&mut self, node: NodeId, limit: u32, now: Timestamp) -> Vec<ClaimedRun> {
        if !self.holds_lease(node, now) {
            return Vec::new();
        }
        let mut due: BTreeMap<OrgId, Vec<_>> = BTreeMap::new();
        for run in self.runs.values().filter(|run| self.is_due(run, now)) {
            let next = (run.wake_at, run.turn, run.row.run_id);
            due.entry(run.row.org_id).or_default().push(next);
        }
        for runs in due.values_mut() {
            runs.sort_unstable();
        }
        // Organisations take turns, beginning behind the one that had the last.
        let after = self.claimed_for;
        let mut lists: Vec<_> = due.into_iter().collect();
        let behind = lists.partition_point(|(org, _)| after.is_some_and(|after| *org <= after));
        lists.rotate_left(behind);
        let lists = lists.into_iter().map(|(org, runs)| {
            let keys = runs.into_iter().map(|(.., run)| (org, run));
            keys.collect()
        });
        let taken = take_turns(lists, limit as usize);
        self.claimed_for = taken.last().map(|(org, _)| *org);
        taken
            .iter()
            .filter_map(|(_, id)| self.take(node, *id))
            .collect()
    }

    /// Whether somebody must look at the run now and nobody does.
    fn is_due(&self, run: &Run, now: Timestamp) -> bool {
        let awake = run.owner.is_none() && run.wake_at.is_some_and(|at| at <= now);
        awake && !run.status().is_terminal() && self.may_start(run)
    }

    /// A queued run waits for the live run of its thread and for earlier queued ones.
    fn may_start(&self, run: &Run) -> bool {
        run.status() != RunStatus::Queued
            || self
                .runs_of(run.row.thread_id)
                .filter(|other| other.row.run_id != run.row.run_id)
                .all(|other| match other.status() {
                    RunStatus::Queued => other.turn > run.turn,
                    status => !status.is_live(),
                })
    }

    fn take(&mut self, node: NodeId, id: RunId) -> Option<ClaimedRun> {
        let run = self.runs.get_mut(&id)?;
        run.owner = Some(node);
        run.wake_at = None;
        run.epoch += 1;
        run.attempts += 1;
        let thread = self.threads.get(&run.row.thread_id)?;
        Some(ClaimedRun {
            org_id: run.row.org_id,
            run_id: id,
            thread_id: run.row.thread_id,
            epoch: run.epoch,
            attempts: run.attempts,
            status: run.status(),
            last_seq: run.last_seq(),
            lost: run.lost.take(),
            thread_position: thread.messages.len() as u64,
            created_at: run.row.created_at,
            trace_id: run.row.trace_id,
        })
    }

    pub(super) fn end_lease(&mut self, node: NodeId, now: Timestamp) {
        self.leases.remove(&node);
        for run in self.runs.values_mut() {
            if run.owner == Some(node) {
                run.free(ResumeReason::Handover, now);
                run.attempts = 0;
            }
        }
    }

    pub(super) fn free_lost(&mut self, now: Timestamp) -> u64 {
        let leases = &self.leases;
        let holds = |node| leases.get(&node).is_some_and(|until| *until > now);
        let mut freed = 0;
        for run in self.runs.values_mut() {
            if run.owner.is_some_and(|owner| !holds(owner)) {
                run.free(ResumeReason::LeaseExpired, now);
                freed += 1;
            }
        }
        freed
    }

    pub(super) fn disown(&mut self, owned: OwnedRun, now: Timestamp) -> bool {
        let run = self.runs.get_mut(&owned.run_id);
        let is_owned = |run: &&mut Run| run.owner.is_some() && run.epoch == owned.epoch;
        let run = run.filter(is_owned);
        run.map(|run| run.free(ResumeReason::LeaseExpired, now))
            .is_some()
    }

    pub(super) fn owned(&self, node: NodeId) -> Vec<OwnedRun> {
        let owned = self.runs.values().filter(|run| run.owner == Some(node));
        owned
            .map(|run| OwnedRun {
                org_id: run.row.org_id,
                run_id: run.row.run_id,
                epoch: run.epoch,
            })
            .collect()
    }

    pub(super) fn cancelling(&self, node: NodeId) -> Vec<(OrgId, RunId)> {
        self.runs
            .values()
            .filter(|run| run.owner == Some(node) && run.status() == RunStatus::Cancelling)
            .map(|run| (run.row.org_id, run.row.run_id))
            .collect()
    }
}

impl Run {
    fn free(&mut self, reason: ResumeReason, now: Timestamp) {
        self.owner = None;
        self.lost = Some(reason);
        self.wake_at = Some(now);
    }
}
