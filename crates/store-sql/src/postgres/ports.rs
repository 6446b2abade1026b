//! The ports: each method names its query.

use std::sync::Arc;

use async_trait::async_trait;
use runloom_domain::{
    ApiKeyId, BudgetId, Message, NodeId, OrgId, RunId, StoredEvent, ThreadId, Timestamp,
    ToolCallId, UserId,
};
use runloom_store::{
    AccountStore, ApiKeyRecord, Appended, Balance, BudgetPatch, BudgetRecord, By, Census, Change,
    ClaimedRun, Content, CreateAccount, CreateBudget, CreateRun, CreditEntry, DeleteThread,
    Deleted, Expired, HistoryPart, Housekeeping, Idempotency, Intended, Intent, KeyConflict,
    LoginRecord, MoneyStore, NewAccount, NewApiKey, NewBudget, NewRun, NewThread, Once, Orphan,
    OwnedRun, Page, Paged, Remaining, RunFilter, RunHead, RunRecord, RunStore, StoreError,
    StoredAnswer, Tail, Tended, ThreadPatch, ThreadRecord, ThreadStore, UsageQuery, UsageRow,
    UserMessage, UserRecord,
};

use futures_util::FutureExt;

use super::dialect::Now;
use super::queries::{
    accounts, api_keys, budgets, children, credits, events, intend, keys, messages, remaining,
    runs, threads, usage,
};
use super::scope::Scope;
use super::transaction::transaction;
use super::{
    PostgresStore, census, create, error, finding, housekeeping, lease, log_parts, orphans, tails,
};

// The macros, and behind them who uses them too.
#[macro_use]
mod verbs;
mod audit;
mod config;
mod key_rotation;
mod orgs;
mod quotas;
mod sessions;
mod tools;

#[async_trait]
impl RunStore for PostgresStore {
    async fn create_run(&self, new: NewRun) -> Result<Once<CreateRun>, StoreError> {
        lend!(self, create(new.org_id), lent => create::run(lent, new).await)
    }

    async fn kept_answer(
        &self,
        org: OrgId,
        once: &Idempotency,
    ) -> Result<Option<Result<StoredAnswer, KeyConflict>>, StoreError> {
        read!(self, any(org), keys::kept(Now, org, once))
    }

    async fn append(&self, batch: Vec<Change>) -> Result<Vec<Appended>, StoreError> {
        let appender = Arc::clone(&self.appender);
        self.spawn(async move { Ok(appender.append(&batch).await?) })
            .await
    }

    async fn remaining(&self, org: OrgId, run: RunId) -> Result<Remaining, StoreError> {
        decide!(self, any(org), (), |c, ()| remaining::ask(c, org, run))
    }

    async fn intend(&self, intent: Intent) -> Result<Intended, StoreError> {
        decide!(self, any(intent.org_id), intent, |c, intent| intend::apply(
            c, Now, intent
        ))
    }

    async fn claim(&self, node: NodeId, limit: u32) -> Result<Vec<ClaimedRun>, StoreError> {
        let turn = self.turn.clone();
        write!(self, dispatch, c => lease::claim(c, node, limit, &turn).await)
    }

    async fn renew_lease(&self, node: NodeId) -> Result<(), StoreError> {
        write!(self, lease, c => lease::renew(c, node).await)
    }

    async fn end_lease(&self, node: NodeId) -> Result<(), StoreError> {
        write!(self, lease, c => lease::end(c, node).await)
    }

    async fn free_lost(&self, _: NodeId) -> Result<u64, StoreError> {
        write!(self, dispatch, c => lease::free_lost(c).await)
    }

    async fn disown(&self, run: OwnedRun) -> Result<bool, StoreError> {
        write!(self, dispatch, c => lease::disown(c, run).await)
    }

    async fn owned(&self, node: NodeId) -> Result<Vec<OwnedRun>, StoreError> {
        read!(self, dispatch, runs::owned(node))
    }

    async fn cancelling(&self, node: NodeId) -> Result<Vec<(OrgId, RunId)>, StoreError> {
        read!(self, dispatch, runs::cancelling(node))
    }

    async fn children(&self, org: OrgId, parent: RunId) -> Result<Vec<RunRecord>, StoreError> {
        read!(self, any(org), runs::children(org, parent))
    }

    async fn orphans(&self, limit: u32) -> Result<Vec<Orphan>, StoreError> {
        read!(self, dispatch, orphans::find(limit))
    }

    async fn hasten(&self, org: OrgId, run: RunId) -> Result<bool, StoreError> {
        write!(self, any(org), c => children::hasten(c, Now, org, run).await)
    }

    async fn census(&self) -> Result<Census, StoreError> {
        read!(self, dispatch, census::take())
    }

    async fn head(&self, org: OrgId, run: RunId) -> Result<Option<RunHead>, StoreError> {
        read!(self, any(org), runs::head(org, run))
    }

    async fn live_run(&self, org: OrgId, thread: ThreadId) -> Result<Option<RunId>, StoreError> {
        read!(self, any(org), runs::live(org, thread))
    }

    async fn events(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        read!(self, any(org), events::list(org, run, after, limit))
    }

    async fn tails(&self, of: Vec<Tail>, limit: u32) -> Result<Vec<Vec<StoredEvent>>, StoreError> {
        read!(self, dispatch, tails::read(of, limit))
    }

    async fn log(
        &self,
        org: OrgId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        read!(self, any(org), events::log(org, run, after, limit))
    }

    async fn history(
        &self,
        org: OrgId,
        thread: ThreadId,
        run: RunId,
        part: HistoryPart,
    ) -> Result<Vec<Message>, StoreError> {
        read!(self, any(org), messages::history(org, thread, run, part))
    }

    async fn contents(&self, org: OrgId, hashes: Vec<String>) -> Result<Vec<Content>, StoreError> {
        read!(self, any(org), events::contents(org, hashes))
    }

    async fn tool_output(
        &self,
        org: OrgId,
        run: RunId,
        call: ToolCallId,
    ) -> Result<Option<String>, StoreError> {
        read!(self, any(org), events::tool_output(org, run, call))
    }

    async fn run(&self, org: OrgId, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        read!(self, any(org), runs::get(org, run))
    }

    async fn runs(
        &self,
        org: OrgId,
        filter: RunFilter,
        page: Page,
    ) -> Result<Paged<RunRecord>, StoreError> {
        read!(self, any(org), runs::list(org, filter, page))
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
            return lend!(self, any(new.org_id), lent => {
                super::threads::create(lent, new).await.map(Once::Done)
            });
        }
        decide!(self, create(new.org_id), (new, once), |c, (new, once)| {
            threads::create(c, Now, new.clone(), once.clone())
        })
    }

    async fn thread(
        &self,
        org: OrgId,
        thread: ThreadId,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        read!(self, any(org), threads::get(org, thread))
    }

    async fn threads(&self, org: OrgId, page: Page) -> Result<Paged<ThreadRecord>, StoreError> {
        read!(self, any(org), threads::list(org, page))
    }

    async fn update_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        patch: ThreadPatch,
    ) -> Result<Option<ThreadRecord>, StoreError> {
        write!(self, any(org), c => super::threads::update(c, org, thread, patch).await)
    }

    async fn delete_thread(
        &self,
        org: OrgId,
        thread: ThreadId,
        at: Timestamp,
        by: By,
    ) -> Result<DeleteThread, StoreError> {
        lend!(self, any(org), lent => super::threads::delete(lent, org, thread, at, by).await)
    }

    async fn post_message(
        &self,
        message: UserMessage,
        once: Option<Idempotency>,
    ) -> Result<Once<Option<Message>>, StoreError> {
        decide!(self, create(message.org_id), (message, once), |c,
                                                                (
            message,
            once,
        )| {
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
        read!(
            self,
            any(org),
            messages::list(org, thread, page, include_tools)
        )
    }
}

#[async_trait]
impl AccountStore for PostgresStore {
    async fn create_account(
        &self,
        new: NewAccount,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateAccount>, StoreError> {
        let scope = Scope::from(new.org_id).and(new.user_id);
        // Its idempotency key belongs to no organisation.
        let scope = match &once {
            Some(once) => scope.and(Scope::lookup(&once.key)),
            None => scope,
        };
        decide!(self, create(scope), (new, once), |c, (new, once)| {
            accounts::create(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn find_login(&self, login_or_email: &str) -> Result<Option<LoginRecord>, StoreError> {
        let scope = finding::scope_of_login(login_or_email);
        read!(self, any(scope), finding::login(login_or_email))
    }

    async fn user(&self, org: OrgId, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        read!(self, any(org), accounts::user(org, user))
    }

    async fn replace_password_hash(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<bool, StoreError> {
        let old = old.to_owned();
        write!(self, any(user), c => accounts::replace_password_hash(c, user, &old, &new).await)
    }

    async fn has_accounts(&self) -> Result<bool, StoreError> {
        read!(self, dispatch, accounts::any())
    }

    async fn create_api_key(
        &self,
        new: NewApiKey,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<()>, StoreError> {
        decide!(self, create(new.org_id), (new, once), |c, (new, once)| {
            api_keys::create(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn find_api_key(&self, public_id: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        read!(
            self,
            any(Scope::lookup(public_id)),
            finding::api_key(public_id)
        )
    }

    async fn api_keys(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        page: Page,
    ) -> Result<Paged<ApiKeyRecord>, StoreError> {
        read!(self, any(org), api_keys::list(org, owner, page))
    }

    async fn revoke_api_key(
        &self,
        org: OrgId,
        owner: Option<UserId>,
        key: ApiKeyId,
        at: Timestamp,
        by: By,
    ) -> Result<bool, StoreError> {
        write!(self, any(org), c => api_keys::revoke(c, org, owner, key, at, by).await)
    }

    async fn touch_api_key(
        &self,
        org: OrgId,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        write!(self, any(org), c => api_keys::touch(c, org, key, at).await)
    }
}

#[async_trait]
impl MoneyStore for PostgresStore {
    async fn balance(&self, org: OrgId) -> Result<Balance, StoreError> {
        read!(self, any(org), credits::balance(org))
    }

    async fn set_metered(
        &self,
        org: OrgId,
        metered: Option<bool>,
        by: By,
    ) -> Result<bool, StoreError> {
        write!(self, any(org), c => credits::set_metered(c, org, metered, by).await)
    }

    async fn add_credits(
        &self,
        org: OrgId,
        entry: CreditEntry,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<bool>, StoreError> {
        decide!(self, create(org), (entry, once), |c, (entry, once)| {
            credits::add(c, Now, org, entry.clone(), once.clone(), by)
        })
    }

    async fn credit_entries(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<CreditEntry>, StoreError> {
        read!(self, any(org), credits::list(org, page))
    }

    async fn create_budget(
        &self,
        new: NewBudget,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateBudget>, StoreError> {
        decide!(self, create(new.org_id), (new, once), |c, (new, once)| {
            budgets::create(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        at: Timestamp,
    ) -> Result<Option<BudgetRecord>, StoreError> {
        read!(self, any(org), budgets::get(org, budget, at))
    }

    async fn budgets(
        &self,
        org: OrgId,
        page: Page,
        at: Timestamp,
    ) -> Result<Paged<BudgetRecord>, StoreError> {
        read!(self, any(org), budgets::list(org, page, at))
    }

    async fn update_budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        patch: BudgetPatch,
        by: By,
    ) -> Result<bool, StoreError> {
        write!(self, any(org), c => budgets::update(c, org, budget, patch, by).await)
    }

    async fn delete_budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        by: By,
    ) -> Result<bool, StoreError> {
        decide!(self, any(org), (), |c, ()| budgets::delete(
            c, org, budget, by
        ))
    }

    async fn usage(&self, org: OrgId, query: UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        read!(self, any(org), usage::by_group(org, query))
    }
}

#[async_trait]
impl Housekeeping for PostgresStore {
    async fn set_event_retention(
        &self,
        org: OrgId,
        days: Option<u32>,
        by: By,
    ) -> Result<bool, StoreError> {
        write!(self, any(org), c => {
            super::queries::housekeeping::set_event_retention(c, org, days, by).await
        })
    }

    async fn expire_runs(
        &self,
        days: u32,
        from: Option<OrgId>,
        limit: u32,
    ) -> Result<Expired, StoreError> {
        decide!(self, dispatch, (), |c, ()| housekeeping::expire_runs(
            c, days, from, limit
        ))
    }

    async fn delete_expired(&self, days: u32, limit: u32) -> Result<Deleted, StoreError> {
        decide!(self, dispatch, (), |c, ()| housekeeping::delete_expired(
            c, days, limit
        ))
    }

    async fn delete_keys(&self, limit: u32) -> Result<Deleted, StoreError> {
        decide!(self, dispatch, (), |c, ()| housekeeping::delete_keys(
            c, limit
        ))
    }

    async fn tend_log(&self, days: u32) -> Result<Tended, StoreError> {
        let lanes = self.lanes.clone();
        self.spawn(async move {
            let mut engine = lanes.dispatch().await?;
            let tending = log_parts::tend(engine.lent(), days);
            let outcome = tokio::time::timeout(log_parts::PATIENCE, tending).await;
            engine.settle(outcome)
        })
        .await
    }
}
