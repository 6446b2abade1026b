use runloom_domain::{RunStatus, Timestamp};

use super::state::{Run, State};
use crate::Census;

impl State {
    pub(super) fn census(&self, now: Timestamp) -> Census {
        let mut census = Census::default();
        for run in self.runs.values().filter(|run| !run.status().is_terminal()) {
            *census.live.entry(run.status()).or_default() += 1;
            census.unleased += u64::from(self.is_unleased(run, now));
            let due = run.wake_at.filter(|at| {
                run.owner.is_none() && *at <= now && run.status() != RunStatus::Queued
            });
            census.oldest_due = census.oldest_due.max(due.map(|at| now.since(at)));
        }
        census
    }

    fn is_unleased(&self, run: &Run, now: Timestamp) -> bool {
        let at_work = matches!(run.status(), RunStatus::Running | RunStatus::Cancelling);
        match run.owner {
            Some(owner) => !self.holds_lease(owner, now),
            None => at_work && run.wake_at.is_none(),
        }
    }
}
