//! What organisations have and what they may spend.

use async_trait::async_trait;
use runloom_domain::{BudgetId, OrgId, Timestamp};
use runloom_store::{
    Balance, BudgetPatch, BudgetRecord, By, CreateBudget, CreditEntry, Idempotency, MoneyStore,
    NewBudget, Once, Page, Paged, StoreError, UsageQuery, UsageRow,
};

use crate::sqlite::queries::{budgets, credits, usage};
use crate::sqlite::{SqliteStore, done};

#[async_trait]
impl MoneyStore for SqliteStore {
    async fn balance(&self, org: OrgId) -> Result<Balance, StoreError> {
        self.read(move |c| done(credits::balance(c, org))).await
    }

    async fn set_metered(
        &self,
        org: OrgId,
        metered: Option<bool>,
        by: By,
    ) -> Result<bool, StoreError> {
        self.write(move |c| done(credits::set_metered(c, org, metered, by)))
            .await
    }

    async fn add_credits(
        &self,
        org: OrgId,
        entry: CreditEntry,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<bool>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(credits::add(c, now, org, entry, once, by)))
            .await
    }

    async fn credit_entries(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<CreditEntry>, StoreError> {
        self.read(move |c| done(credits::list(c, org, page))).await
    }

    async fn create_budget(
        &self,
        new: NewBudget,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateBudget>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(budgets::create(c, now, new, once, by)))
            .await
    }

    async fn budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        at: Timestamp,
    ) -> Result<Option<BudgetRecord>, StoreError> {
        self.read(move |c| done(budgets::get(c, org, budget, at)))
            .await
    }

    async fn budgets(
        &self,
        org: OrgId,
        page: Page,
        at: Timestamp,
    ) -> Result<Paged<BudgetRecord>, StoreError> {
        self.read(move |c| done(budgets::list(c, org, page, at)))
            .await
    }

    async fn update_budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        patch: BudgetPatch,
        by: By,
    ) -> Result<bool, StoreError> {
        self.write(move |c| done(budgets::update(c, org, budget, patch, by)))
            .await
    }

    async fn delete_budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        by: By,
    ) -> Result<bool, StoreError> {
        self.decide(move |c| done(budgets::delete(c, org, budget, by)))
            .await
    }

    async fn usage(&self, org: OrgId, query: UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        self.read(move |c| done(usage::by_group(c, org, query)))
            .await
    }
}
