use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{OrgId, Timestamp};

use super::MemoryStore;
use super::state::{Run, State};
use crate::{By, Deleted, Expired, Housekeeping, StoreError, Tended, entries};

const DAY: Duration = Duration::from_hours(24);

impl State {
    fn expire_runs(
        &mut self,
        days: u32,
        from: Option<OrgId>,
        limit: u32,
        now: Timestamp,
    ) -> Expired {
        let retention = &self.retention;
        let is_due = |run: &&mut Run| {
            let days = retention.get(&run.row.org_id).copied().unwrap_or(days);
            let ended = run.row.ended_at.filter(|_| days > 0 && !run.expired);
            ended.is_some_and(|ended| now.since(ended) >= DAY * days)
        };
        let in_reach = |run: &&mut Run| from.is_none_or(|from| run.row.org_id >= from);
        let due = self.runs.values_mut().filter(in_reach).filter(is_due);
        let mut due: Vec<&mut Run> = due.collect();
        due.sort_by_key(|run| run.row.org_id);
        due.truncate(limit as usize);
        for run in &mut due {
            run.expired = true;
        }
        let full = due.len() == limit as usize;
        Expired {
            runs: due.len() as u64,
            next: due.last().filter(|_| full).map(|run| run.row.org_id),
        }
    }

    fn delete_expired(&mut self, limit: u32) -> Deleted {
        let mut left = limit as usize;
        for run in self.runs.values_mut().filter(|run| run.expired) {
            let rows = left.min(run.events.len());
            run.events.drain(..rows);
            run.deleted += rows as u64;
            left -= rows;
            if run.events.is_empty() {
                run.outputs.clear();
            }
        }
        Deleted {
            rows: (limit as usize - left) as u64,
            more: left == 0,
        }
    }
}

#[async_trait]
impl Housekeeping for MemoryStore {
    async fn set_event_retention(
        &self,
        org: OrgId,
        days: Option<u32>,
        by: By,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        if !state.has_org(org) {
            return Ok(false);
        }
        match days {
            Some(days) => state.retention.insert(org, days),
            None => state.retention.remove(&org),
        };
        state.note(by, entries::retention_changed(org, days));
        Ok(true)
    }

    async fn expire_runs(
        &self,
        days: u32,
        from: Option<OrgId>,
        limit: u32,
    ) -> Result<Expired, StoreError> {
        Ok(self.state().expire_runs(days, from, limit, self.now()))
    }

    async fn delete_expired(&self, _: u32, limit: u32) -> Result<Deleted, StoreError> {
        Ok(self.state().delete_expired(limit))
    }

    async fn delete_keys(&self, limit: u32) -> Result<Deleted, StoreError> {
        Ok(self.state().delete_keys(limit, self.now()))
    }

    /// The log is in one part.
    async fn tend_log(&self, _: u32) -> Result<Tended, StoreError> {
        Ok(Tended::default())
    }
}
