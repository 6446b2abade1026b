//! Runs that other runs have spawned.

use runloom_domain::{OrgId, RunId, RunStatus, ThreadId, Timestamp};

use super::state::{Run, State, Thread, rejected, storable};
use crate::{NewRun, Orphan, RunRecord, StoreError};

/// How many children are read.
const CHILDREN: usize = 100;

impl State {
    /// The parent of a run that is to be its child, if it has not ended.
    pub(super) fn parent(&self, new: &NewRun) -> Option<&Run> {
        let parent = self.run(new.org_id, new.parent.as_ref()?.run_id);
        parent.filter(|run| !run.status().is_terminal())
    }

    /// The thread of the first of those that a new child descends from.
    pub(super) fn root_thread(&self, new: &NewRun) -> Option<ThreadId> {
        let parent = self.parent(new)?;
        Some(parent.root_thread.unwrap_or(parent.row.thread_id))
    }

    /// Refuses a child whose thread can't be made.
    pub(super) fn check_thread(&self, new: &NewRun) -> Result<(), StoreError> {
        let Some(thread) = new.thread_to_make() else {
            return Ok(());
        };
        storable(thread.title.as_deref())?;
        if self.threads.contains_key(&thread.thread_id) {
            return Err(rejected("a thread id is repeated"));
        }
        Ok(())
    }

    /// Makes the hidden thread of a new child.
    pub(super) fn make_thread(&mut self, new: &NewRun) {
        if let Some(thread) = new.thread_to_make() {
            let hidden = Thread {
                hidden: true,
                ..Thread::new(thread)
            };
            self.threads.insert(new.thread_id, hidden);
        }
    }

    pub(super) fn children(&self, org: OrgId, parent: RunId) -> Vec<RunRecord> {
        let of_parent = |run: &&Run| run.row.org_id == org && run.row.parent_run_id == Some(parent);
        let mut children: Vec<&Run> = self.runs.values().filter(of_parent).collect();
        children.sort_by_key(|run| (run.row.created_at, run.row.run_id));
        let first = children.into_iter().take(CHILDREN);
        first.map(|run| self.run_record(run)).collect()
    }

    pub(super) fn orphans(&self, limit: u32) -> Vec<Orphan> {
        let orphans = self.runs.values().filter(|run| self.is_orphan(run));
        let named = orphans.map(|run| Orphan {
            org_id: run.row.org_id,
            run_id: run.row.run_id,
        });
        named.take(limit as usize).collect()
    }

    fn is_orphan(&self, run: &Run) -> bool {
        let goes_on = !run.status().is_terminal() && run.status() != RunStatus::Cancelling;
        let parent = run.row.parent_run_id;
        let parent = parent.and_then(|parent| self.run(run.row.org_id, parent));
        goes_on && parent.is_some_and(|parent| parent.status().is_terminal())
    }

    pub(super) fn hasten(&mut self, org: OrgId, run: RunId, now: Timestamp) -> bool {
        let run = self.runs.get_mut(&run);
        let resting = run.filter(|run| {
            run.row.org_id == org
                && run.status() == RunStatus::Running
                && run.owner.is_none()
                && run.wake_at.is_some_and(|at| at > now)
        });
        resting.map(|run| run.wake_at = Some(now)).is_some()
    }
}
