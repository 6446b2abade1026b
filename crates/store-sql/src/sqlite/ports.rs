//! The ports: each method names its query.

mod audit;
mod config;
mod key_rotation;
mod money;
mod orgs;
mod quotas;
mod sessions;
mod tools;

use async_trait::async_trait;
use runloom_domain::{
    ApiKeyId, Message, NodeId, OrgId, RunId, StoredEvent, ThreadId, Timestamp, ToolCallId, UserId,
};
use runloom_store::{
    AccountStore, ApiKeyRecord, Appended, By, Census, Change, ClaimedRun, Content, CreateAccount,
    CreateRun, DeleteThread, Deleted, Expired, HistoryPart, Housekeeping, Idempotency, Intended,
    Intent, KeyConflict, LoginRecord, NewAccount, NewApiKey, NewRun, NewThread, Once, Orphan,
    OwnedRun, Page, Paged, Remaining, RunFilter, RunHead, RunRecord, RunStore, StoreError,
    StoredAnswer, Tail, Tended, ThreadPatch, ThreadRecord, ThreadStore, UserMessage, UserRecord,
};

use crate::DELETED_AT_ONCE;

use super::{SqliteStore, append, census, done, housekeeping, lease, orphans, queries};

#[async_trait]
impl RunStore for SqliteStore {
    async fn create_run(&self, mut new: NewRun) -> Result<Once<CreateRun>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(queries::create::run(c, now, &mut new)))
            .await
    }

    async fn kept_answer(
        &self,
        org: OrgId,
        once: &Idempotency,
    ) -> Result<Option<Result<StoredAnswer, KeyConflict>>, StoreError> {
        let (now, once) = (self.now(), once.clone());
        self.read(move |c| done(queries::keys::kept(c, now, org, &once)))
            .await
    }

    async fn append(&self, batch: Vec<Change>) -> Result<Vec<Appended>, StoreError> {
        let now = self.now();
        self.write(move |c| append::append(c, now, &batch)).await
    }

    async fn remaining(&self, org: OrgId, run: RunId) -> Result<Remaining, StoreError> {
        self.decide(move |c| done(queries::remaining::ask(c, org, run)))
            .await
    }

    async fn intend(&self, intent: Intent) -> Result<Intended, StoreError> {
        let now = self.now();
        self.decide(move |c| done(queries::intend::apply(c, now, &intent)))
            .await
    }

    async fn claim(&self, node: NodeId, limit: u32) -> Result<Vec<ClaimedRun>, StoreError> {
        let (now, turn) = (self.now(), self.turn.clone());
        self.write(move |c| lease::claim(c, now, node, limit, &turn))
            .await
    }

    async fn renew_lease(&self, node: NodeId) -> Result<(), StoreError> {
        let now = self.now();
        self.write(move |c| lease::renew(c, now, node)).await
    }

    async fn end_lease(&self, node: NodeId) -> Result<(), StoreError> {
        let now = self.now();
        self.write(move |c| lease::end(c, now, node)).await
    }

    async fn free_lost(&self, node: NodeId) -> Result<u64, StoreError> {
        let now = self.now();
        self.write(move |c| lease::free_lost(c, now, node)).await
    }

    async fn disown(&self, run: OwnedRun) -> Result<bool, StoreError> {
        let now = self.now();
        self.write(move |c| lease::disown(c, now, run)).await
    }

    async fn owned(&self, node: NodeId) -> Result<Vec<OwnedRun>, StoreError> {
        self.read(move |c| done(queries::runs::owned(c, node)))
            .await
    }

    async fn cancelling(&self, node: NodeId) -> Result<Vec<(OrgId, RunId)>, StoreError> {
        self.read(move |c| done(queries::runs::cancelling(c, node)))
            .await
    }

    async fn children(&self, org: OrgId, parent: RunId) -> Result<Vec<RunRecord>, StoreError> {
        self.read(move |c| done(queries::runs::children(c, org, parent)))
            .await
    }

    async fn orphans(&self, limit: u32) -> Result<Vec<Orphan>, StoreError> {
        self.read(move |c| orphans::find(c, limit)).await
    }

    async fn hasten(&self, org: OrgId, run: RunId) -> Result<bool, StoreError> {
        let now = self.now();
        self.write(move |c| done(queries::children::hasten(c, now, org, run)))
            .await
    }

    async fn census(&self) -> Result<Census, StoreError> {
        let now = self.now();
        self.read(move |c| census::take(c, now)).await
    }

    async fn head(&self, org: OrgId, run: RunId) -> Result<Option<RunHead>, StoreError> {
        self.read(move |c| done(queries::runs::head(c, org, run)))
            .await
    }

    async fn live_run(&self, org: OrgId, thread: ThreadId) -> Result<Option<RunId>, StoreError> {
        self.read(move |c| done(queries::runs::live(c, org, thread)))
            .await
    }

    async fn events(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(move |c| done(queries::events::list(c, org, run, after, limit)))
            .await
    }

    async fn tails(&self, of: Vec<Tail>, limit: u32) -> Result<Vec<Vec<StoredEvent>>, StoreError> {
        self.read(move |c| {
            let tail = |tail: Tail| {
                let Tail {
                    org_id,
                    run_id,
                    after,
                } = tail;
                done(queries::events::list(c, org_id, run_id, after, limit))
            };
            of.into_iter().map(tail).collect()
        })
        .await
    }

    async fn log(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.read(move |c| done(queries::events::log(c, org, run, after, limit)))
            .await
    }

    async fn history(
        &self,
        org: OrgId,
        thread: ThreadId,
        run: RunId,
        part: HistoryPart,
    ) -> Result<Vec<Message>, StoreError> {
        self.read(move |c| done(queries::messages::history(c, org, thread, run, part)))
            .await
    }

    async fn contents(&self, org: OrgId, hashes: Vec<String>) -> Result<Vec<Content>, StoreError> {
        self.read(move |c| done(queries::events::contents(c, org, hashes)))
            .await
    }

    async fn tool_output(
        &self,
        org: OrgId,
        run: RunId,
        call: ToolCallId,
    ) -> Result<Option<String>, StoreError> {
        self.read(move |c| done(queries::events::tool_output(c, org, run, call)))
            .await
    }

    async fn run(&self, org: OrgId, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        self.read(move |c| done(queries::runs::get(c, org, run)))
            .await
    }

    async fn runs(
        &self,
        org: OrgId,
        filter: RunFilter,
        page: Page,
    ) -> Result<Paged<RunRecord>, StoreError> {
        self.read(move |c| done(queries::runs::list(c, org, filter, page)))
            .await
    }
}

#[async_trait]
impl ThreadStore for SqliteStore {
    async fn create_thread(
        &self,
        new: NewThread,
        once: Option<Idempotency>,
    ) -> Result<Once<()>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(queries::threads::create(c, now, new, once)))
            .await
    }

    async fn thread(
        &self,
        org: OrgId,
        thread: ThreadId,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        self.read(move |c| done(queries::threads::get(c, org, thread)))
            .await
    }

    async fn threads(&self, org: OrgId, page: Page) -> Result<Paged<ThreadRecord>, StoreError> {
        self.read(move |c| done(queries::threads::list(c, org, page)))
            .await
    }

    async fn update_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        patch: ThreadPatch,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        self.write(move |c| super::threads::update(c, org, thread, patch))
            .await
    }

    async fn delete_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        at: Timestamp,
        by: By,
    ) -> Result<DeleteThread, StoreError> {
        self.decide(move |c| done(queries::threads::delete(c, org, thread, at, by)))
            .await
    }

    async fn post_message(
        &self,
        message: UserMessage,
        once: Option<Idempotency>,
    ) -> Result<Once<Option<Message>>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(queries::messages::post(c, now, message, once)))
            .await
    }

    async fn messages(
        &self,
        org: OrgId,
        thread: ThreadId,
        page: Page,
        include_tools: bool,
    ) -> Result<Option<Paged<Message>>, StoreError> {
        self.read(move |c| done(queries::messages::list(c, org, thread, page, include_tools)))
            .await
    }
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn create_account(
        &self,
        new: NewAccount,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateAccount>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(queries::accounts::create(c, now, new, once, by)))
            .await
    }

    async fn find_login(&self, login_or_email: &str) -> Result<Option<LoginRecord>, StoreError> {
        let name = login_or_email.to_owned();
        self.read(move |c| done(queries::accounts::find_login(c, &name)))
            .await
    }

    async fn user(&self, org: OrgId, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        self.read(move |c| done(queries::accounts::user(c, org, user)))
            .await
    }

    async fn replace_password_hash(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<bool, StoreError> {
        let old = old.to_owned();
        self.write(move |c| {
            done(queries::accounts::replace_password_hash(
                c, user, &old, &new,
            ))
        })
        .await
    }

    async fn has_accounts(&self) -> Result<bool, StoreError> {
        self.read(|c| done(queries::accounts::any(c))).await
    }

    async fn create_api_key(
        &self,
        new: NewApiKey,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(queries::api_keys::create(c, now, new, once, by)))
            .await
    }

    async fn find_api_key(&self, public_id: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        let public_id = public_id.to_owned();
        self.read(move |c| done(queries::api_keys::find(c, &public_id)))
            .await
    }

    async fn api_keys(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        page: Page,
    ) -> Result<Paged<ApiKeyRecord>, StoreError> {
        self.read(move |c| done(queries::api_keys::list(c, org, owner, page)))
            .await
    }

    async fn revoke_api_key(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        key: ApiKeyId,
        at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError> {
        self.write(move |c| done(queries::api_keys::revoke(c, org, owner, key, at, by)))
            .await
    }

    async fn touch_api_key(
        &self,
        org: OrgId,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |c| done(queries::api_keys::touch(c, org, key, at)))
            .await
    }
}

#[async_trait]
impl Housekeeping for SqliteStore {
    async fn set_event_retention(
        &self,
        org: OrgId,
        days: Option<u32>,
        by: By,
    ) -> Result<bool, StoreError> {
        self.write(move |c| done(queries::housekeeping::set_event_retention(c, org, days, by)))
            .await
    }

    /// Looks on a reading thread: mostly there is nothing to do, and the one that writes is
    /// not to be kept from its work for that.
    async fn expire_runs(
        &self,
        days: u32,
        from: Option<OrgId>,
        limit: u32,
    ) -> Result<Expired, StoreError> {
        let now = self.now();
        let due = self
            .read(move |c| housekeeping::due(c, now, days, from, limit))
            .await?;
        if due.is_empty() {
            return Ok(Expired::default());
        }
        let next = due.last().filter(|_| due.len() == limit as usize);
        let next = next.map(|(org, _)| OrgId::from(*org));
        let runs = self.write(move |c| housekeeping::expire(c, now, &due));
        Ok(Expired {
            runs: runs.await?,
            next,
        })
    }

    async fn delete_expired(&self, _: u32, limit: u32) -> Result<Deleted, StoreError> {
        let runs = self.read(housekeeping::expired).await?;
        if runs.is_empty() {
            return Ok(Deleted::default());
        }
        let full = runs.len() == DELETED_AT_ONCE as usize;
        let deleted =
            self.write(move |c| done(queries::housekeeping::delete_events(c, runs, limit)));
        let rows = deleted.await?;
        Ok(Deleted {
            rows,
            more: full || rows >= u64::from(limit),
        })
    }

    async fn delete_keys(&self, limit: u32) -> Result<Deleted, StoreError> {
        let now = self.now();
        self.write(move |c| done(queries::housekeeping::delete_keys(c, now, limit)))
            .await
    }

    /// The log is in one part.
    async fn tend_log(&self, _: u32) -> Result<Tended, StoreError> {
        Ok(Tended::default())
    }
}
