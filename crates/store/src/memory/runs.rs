use async_trait::async_trait;
use runloom_domain::{Message, NodeId, OrgId, RunId, StoredEvent, ThreadId, ToolCallId};

use super::MemoryStore;
use super::reads::is_logged;
use crate::{
    Appended, Census, Change, ClaimedRun, Content, CreateRun, HistoryPart, Idempotency, Intended,
    Intent, KeyConflict, NewRun, Once, Orphan, OwnedRun, Page, Paged, Remaining, RunFilter,
    RunHead, RunRecord, RunStore, StoreError, StoredAnswer, Tail,
};

#[async_trait]
impl RunStore for MemoryStore {
    async fn create_run(&self, new: NewRun) -> Result<Once<CreateRun>, StoreError> {
        self.state().create_run(new, self.now())
    }

    async fn kept_answer(
        &self,
        _: OrgId,
        once: &Idempotency,
    ) -> Result<Option<Result<StoredAnswer, KeyConflict>>, StoreError> {
        Ok(self.state().kept_answer(once, self.now()))
    }

    async fn append(&self, batch: Vec<Change>) -> Result<Vec<Appended>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        let append = |change| state.append(change, now);
        Ok(batch.into_iter().map(append).collect())
    }

    async fn remaining(&self, org: OrgId, run: RunId) -> Result<Remaining, StoreError> {
        Ok(self.state().remaining(org, run))
    }

    async fn intend(&self, intent: Intent) -> Result<Intended, StoreError> {
        self.state().intend(intent, self.now())
    }

    async fn claim(&self, node: NodeId, limit: u32) -> Result<Vec<ClaimedRun>, StoreError> {
        Ok(self.state().claim(node, limit, self.now()))
    }

    async fn renew_lease(&self, node: NodeId) -> Result<(), StoreError> {
        self.state().renew_lease(node, self.now());
        Ok(())
    }

    async fn end_lease(&self, node: NodeId) -> Result<(), StoreError> {
        self.state().end_lease(node, self.now());
        Ok(())
    }

    async fn free_lost(&self, _node: NodeId) -> Result<u64, StoreError> {
        Ok(self.state().free_lost(self.now()))
    }

    async fn disown(&self, run: OwnedRun) -> Result<bool, StoreError> {
        Ok(self.state().disown(run, self.now()))
    }

    async fn owned(&self, node: NodeId) -> Result<Vec<OwnedRun>, StoreError> {
        Ok(self.state().owned(node))
    }

    async fn cancelling(&self, node: NodeId) -> Result<Vec<(OrgId, RunId)>, StoreError> {
        Ok(self.state().cancelling(node))
    }

    async fn children(&self, org: OrgId, parent: RunId) -> Result<Vec<RunRecord>, StoreError> {
        Ok(self.state().children(org, parent))
    }

    async fn orphans(&self, limit: u32) -> Result<Vec<Orphan>, StoreError> {
        Ok(self.state().orphans(limit))
    }

    async fn hasten(&self, org: OrgId, run: RunId) -> Result<bool, StoreError> {
        Ok(self.state().hasten(org, run, self.now()))
    }

    async fn census(&self) -> Result<Census, StoreError> {
        Ok(self.state().census(self.now()))
    }

    async fn head(&self, org: OrgId, run: RunId) -> Result<Option<RunHead>, StoreError> {
        Ok(self.state().head(org, run))
    }

    async fn live_run(&self, org: OrgId, thread: ThreadId) -> Result<Option<RunId>, StoreError> {
        let state = self.state();
        let live = state.live_run(thread);
        Ok(live.filter(|run| state.run(org, *run).is_some()))
    }

    async fn events(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.state().events((org, run), after, limit, |_| true))
    }

    async fn tails(&self, of: Vec<Tail>, limit: u32) -> Result<Vec<Vec<StoredEvent>>, StoreError> {
        let state = self.state();
        let tail =
            |tail: Tail| state.events((tail.org_id, tail.run_id), tail.after, limit, |_| true);
        Ok(of.into_iter().map(tail).collect())
    }

    async fn log(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.state().events((org, run), after, limit, is_logged))
    }

    async fn history(
        &self,
        org: OrgId,
        thread: ThreadId,
        run: RunId,
        part: HistoryPart,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(self.state().history((org, thread), run, part))
    }

    async fn contents(&self, org: OrgId, hashes: Vec<String>) -> Result<Vec<Content>, StoreError> {
        Ok(self.state().contents(org, hashes))
    }

    async fn tool_output(
        &self,
        org: OrgId,
        run: RunId,
        call: ToolCallId,
    ) -> Result<Option<String>, StoreError> {
        Ok(self.state().tool_output(org, run, call))
    }

    async fn run(&self, org: OrgId, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        let state = self.state();
        Ok(state.run(org, run).map(|run| state.run_record(run)))
    }

    async fn runs(
        &self,
        org: OrgId,
        filter: RunFilter,
        page: Page,
    ) -> Result<Paged<RunRecord>, StoreError> {
        Ok(self.state().run_list(org, &filter, page))
    }
}
