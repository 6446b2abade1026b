//! The ports: each method names its query.

use std::sync::Arc;

use async_trait::async_trait;
use runloom_domain::{
    ApiKeyId, Message, NodeId, OrgId, RunId, StoredEvent, ThreadId, Timestamp, ToolCallId, UserId,
};
use runloom_store::{
    AccountStore, ApiKeyRecord, Appended, Census, Change, ClaimedRun, Content, CreateAccount,
    CreateRun, DeleteThread, HistoryPart, Idempotency, Intended, Intent, KeyConflict, LoginRecord,
    NewAccount, NewApiKey, NewRun, NewThread, Once, OwnedRun, Page, Paged, RunFilter, RunHead,
    RunRecord, RunStore, StoreError, StoredAnswer, Tail, ThreadPatch, ThreadRecord, ThreadStore,
    UserMessage, UserRecord,
};

use futures_util::FutureExt;

use super::dialect::Now;
use super::queries::{accounts, api_keys, events, intend, keys, messages, runs, threads};
use super::transaction::transaction;
use super::{PostgresStore, census, create, error, lease, tails};

/// A read, on a connection of the pool. Dropping it half-way is harmless.
macro_rules! read {
    ($store:expr, $topic:ident::$query:ident($($argument:expr),* $(,)?)) => {{
        let mut c = $store.lanes.any().await?;
        $topic::$query(&mut c, $($argument),*).await.map_err(error::of)
    }};
}

/// A write without a transaction of its own, run to its end on a connection of the lane.
macro_rules! write {
    ($store:expr, $lane:ident, $c:ident => $work:expr) => {{
        let lanes = $store.lanes.clone();
        $store
            .spawn(async move {
                let mut lent = lanes.$lane().await?;
                let $c = &mut *lent;
                $work
            })
            .await
    }};
}

/// A transaction, run to its end on a connection of the lane.
macro_rules! decide {
    ($store:expr, $lane:ident, $given:expr, |$c:ident, $borrowed:pat_param| $work:expr) => {{
        let (lanes, mut given) = ($store.lanes.clone(), $given);
        $store
            .spawn(async move {
                let mut lent = lanes.$lane().await?;
                transaction(&mut lent, &mut given, |$c, $borrowed| $work.boxed()).await
            })
            .await
    }};
}

#[async_trait]
impl RunStore for PostgresStore {
    async fn create_run(&self, new: NewRun) -> Result<Once<CreateRun>, StoreError> {
        write!(self, create, c => create::run(c, new).await)
    }

    async fn kept_answer(
        &self,
        org: OrgId,
        once: &Idempotency,
    ) -> Result<Option<Result<StoredAnswer, KeyConflict>>, StoreError> {
        read!(self, keys::kept(Now, org, once))
    }

    async fn append(&self, batch: Vec<Change>) -> Result<Vec<Appended>, StoreError> {
        let appender = Arc::clone(&self.appender);
        self.spawn(async move { Ok(appender.append(&batch).await?) })
            .await
    }

    async fn intend(&self, intent: Intent) -> Result<Intended, StoreError> {
        decide!(self, any, intent, |c, intent| intend::apply(c, Now, intent))
    }

    async fn claim(&self, node: NodeId, limit: u32) -> Result<Vec<ClaimedRun>, StoreError> {
        let turn = self.turn.clone();
        write!(self, any, c => lease::claim(c, node, limit, &turn).await)
    }

    async fn renew_lease(&self, node: NodeId) -> Result<(), StoreError> {
        write!(self, lease, c => lease::renew(c, node).await)
    }

    async fn end_lease(&self, node: NodeId) -> Result<(), StoreError> {
        write!(self, lease, c => lease::end(c, node).await)
    }

    async fn free_lost(&self, _: NodeId) -> Result<u64, StoreError> {
        write!(self, any, c => lease::free_lost(c).await)
    }

    async fn disown(&self, run: OwnedRun) -> Result<bool, StoreError> {
        write!(self, any, c => lease::disown(c, run).await)
    }

    async fn owned(&self, node: NodeId) -> Result<Vec<OwnedRun>, StoreError> {
        read!(self, runs::owned(node))
    }

    async fn cancelling(&self, node: NodeId) -> Result<Vec<(OrgId, RunId)>, StoreError> {
        read!(self, runs::cancelling(node))
    }

    async fn census(&self) -> Result<Census, StoreError> {
        read!(self, census::take())
    }

    async fn head(&self, org: OrgId, run: RunId) -> Result<Option<RunHead>, StoreError> {
        read!(self, runs::head(org, run))
    }

    async fn events(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        read!(self, events::list(org, run, after, limit))
    }

    async fn tails(&self, of: Vec<Tail>, limit: u32) -> Result<Vec<Vec<StoredEvent>>, StoreError> {
        read!(self, tails::read(of, limit))
    }

    async fn log(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        read!(self, events::log(org, run, after, limit))
    }

    async fn history(
        &self,
        org: OrgId,
        thread: ThreadId,
        run: RunId,
        part: HistoryPart,
    ) -> Result<Vec<Message>, StoreError> {
        read!(self, messages::history(org, thread, run, part))
    }

    async fn contents(&self, org: OrgId, hashes: Vec<String>) -> Result<Vec<Content>, StoreError> {
        read!(self, events::contents(org, hashes))
    }

    async fn tool_output(
        &self,
        org: OrgId,
        run: RunId,
        call: ToolCallId,
    ) -> Result<Option<String>, StoreError> {
        read!(self, events::tool_output(org, run, call))
    }

    async fn run(&self, org: OrgId, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        read!(self, runs::get(org, run))
    }

    async fn runs(
        &self,
        org: OrgId,
        filter: RunFilter,
        page: Page,
    ) -> Result<Paged<RunRecord>, StoreError> {
        read!(self, runs::list(org, filter, page))
    }
}

#[async_trait]
impl ThreadStore for PostgresStore {
    async fn create_thread(
        &self,
        new: NewThread,
        once: Option<Idempotency>,
    ) -> Result<Once<()>, StoreError> {
        if once.is_none() {
            return write!(self, any, c => {
                super::threads::create(c, new).await.map(Once::Done)
            });
        }
        decide!(self, create, (new, once), |c, (new, once)| {
            threads::create(c, Now, new.clone(), once.clone())
        })
    }

    async fn thread(
        &self,
        org: OrgId,
        thread: ThreadId,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        read!(self, threads::get(org, thread))
    }

    async fn threads(&self, org: OrgId, page: Page) -> Result<Paged<ThreadRecord>, StoreError> {
        read!(self, threads::list(org, page))
    }

    async fn update_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        patch: ThreadPatch,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        write!(self, any, c => super::threads::update(c, org, thread, patch).await)
    }

    async fn delete_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        at: Timestamp,
    ) -> Result<DeleteThread, StoreError> {
        write!(self, any, c => super::threads::delete(c, org, thread, at).await)
    }

    async fn post_message(
        &self,
        message: UserMessage,
        once: Option<Idempotency>,
    ) -> Result<Once<Option<Message>>, StoreError> {
        decide!(self, create, (message, once), |c, (message, once)| {
            messages::post(c, Now, message.clone(), once.clone())
        })
    }

    async fn messages(
        &self,
        org: OrgId,
        thread: ThreadId,
        page: Page,
        include_tools: bool,
    ) -> Result<Option<Paged<Message>>, StoreError> {
        read!(self, messages::list(org, thread, page, include_tools))
    }
}

#[async_trait]
impl AccountStore for PostgresStore {
    async fn create_account(
        &self,
        new: NewAccount,
        once: Option<Idempotency>,
    ) -> Result<Once<CreateAccount>, StoreError> {
        decide!(self, create, (new, once), |c, (new, once)| {
            accounts::create(c, Now, new.clone(), once.clone())
        })
    }

    async fn find_login(&self, login_or_email: &str) -> Result<Option<LoginRecord>, StoreError> {
        read!(self, accounts::find_login(login_or_email))
    }

    async fn user(&self, org: OrgId, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        read!(self, accounts::user(org, user))
    }

    async fn replace_password_hash(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<bool, StoreError> {
        let old = old.to_owned();
        write!(self, any, c => accounts::replace_password_hash(c, user, &old, &new).await)
    }

    async fn has_accounts(&self) -> Result<bool, StoreError> {
        read!(self, accounts::any())
    }

    async fn create_api_key(
        &self,
        new: NewApiKey,
        once: Option<Idempotency>,
    ) -> Result<Once<()>, StoreError> {
        decide!(self, create, (new, once), |c, (new, once)| {
            api_keys::create(c, Now, new.clone(), once.clone())
        })
    }

    async fn find_api_key(&self, public_id: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        read!(self, api_keys::find(public_id))
    }

    async fn api_keys(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        page: Page,
    ) -> Result<Paged<ApiKeyRecord>, StoreError> {
        read!(self, api_keys::list(org, owner, page))
    }

    async fn revoke_api_key(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        write!(self, any, c => api_keys::revoke(c, org, owner, key, at).await)
    }

    async fn touch_api_key(
        &self,
        org: OrgId,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        write!(self, any, c => api_keys::touch(c, org, key, at).await)
    }
}
