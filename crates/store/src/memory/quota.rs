use async_trait::async_trait;
use runloom_domain::{MessageBody, OrgId};

use super::MemoryStore;
use super::state::State;
use crate::{By, Measured, Measuring, Quota, QuotaStore, Standing, StoreError, entries};

impl State {
    fn bytes_of_runs(&self, org: OrgId) -> usize {
        let runs = self.runs.values().filter(|run| run.row.org_id == org);
        let bytes = runs.map(|run| {
            let private = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            let events = run.events.iter();
            let events = events.map(|event| event.data.len() + private(&event.private));
            events.sum::<usize>() + run.outputs.values().map(String::len).sum::<usize>()
        });
        bytes.sum()
    }

    fn bytes_of_threads(&self, org: OrgId) -> usize {
        let threads = self.threads.values().filter(|it| it.row.org_id == org);
        let messages = threads.flat_map(|thread| &thread.messages);
        let bytes = messages.map(|posted| match &posted.message.body {
            MessageBody::User { content }
            | MessageBody::Assistant { content, .. }
            | MessageBody::Tool { content, .. } => content.len(),
        });
        bytes.sum()
    }
}

#[async_trait]
impl QuotaStore for MemoryStore {
    async fn set_quota(&self, org: OrgId, quota: Quota, by: By) -> Result<bool, StoreError> {
        let mut state = self.state();
        let known = state.has_org(org);
        if known {
            state.standings.entry(org).or_default().quota = quota;
            state.note(by, entries::quota_changed(org, quota));
        }
        Ok(known)
    }

    async fn standing(&self, org: OrgId) -> Result<Standing, StoreError> {
        Ok(self
            .state()
            .standings
            .get(&org)
            .copied()
            .unwrap_or_default())
    }

    async fn has_threads(&self, org: OrgId, at_least: u64) -> Result<bool, StoreError> {
        let state = self.state();
        let threads = state
            .threads
            .values()
            .filter(|thread| thread.row.org_id == org && !thread.deleted && !thread.hidden);
        Ok(threads.count() as u64 >= at_least)
    }

    async fn next_measured(
        &self,
        after: Option<OrgId>,
        all: bool,
    ) -> Result<Option<OrgId>, StoreError> {
        let state = self.state();
        let has_own = |org: &OrgId| {
            let standing = state.standings.get(org);
            standing.is_some_and(|standing| standing.quota.bytes.is_some())
        };
        let orgs = state.orgs.rows.keys().copied();
        let orgs = orgs.filter(|org| after.is_none_or(|after| *org > after));
        Ok(orgs.filter(|org| all || has_own(org)).min())
    }

    async fn measure(&self, org: OrgId, from: Measuring, _: u32) -> Result<Measured, StoreError> {
        let state = self.state();
        let (bytes, next) = match from {
            Measuring::Runs(_) => (state.bytes_of_runs(org), Some(Measuring::Threads(None))),
            Measuring::Threads(_) => (state.bytes_of_threads(org), None),
        };
        Ok(Measured {
            bytes: bytes as u64,
            next,
        })
    }

    async fn set_stored_bytes(&self, org: OrgId, bytes: u64) -> Result<(), StoreError> {
        let mut state = self.state();
        state.standings.entry(org).or_default().stored_bytes = bytes;
        Ok(())
    }
}
