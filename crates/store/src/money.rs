use async_trait::async_trait;
use runloom_domain::{
    BudgetId, BudgetPeriod, BudgetScope, CreditEntryId, NanoUsd, OrgId, RunId, Timestamp,
    TokenBuckets, UserId,
};

use crate::{By, Idempotency, Once, Page, Paged, StoreError};

/// What an organisation has of credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// All its entries together. Below zero when runs have cost more than was reserved for them.
    pub credits: i64,
    /// What runs that haven't ended hold.
    pub reserved: i64,
    /// Whether its runs need credits; `None` when that is as everywhere in the deployment.
    pub metered: Option<bool>,
}

/// Why credits came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditKind {
    /// They were bought.
    TopUp,
    /// Somebody has put something right.
    Adjust,
    /// A run has ended.
    Run,
}

impl CreditKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::TopUp, Self::Adjust, Self::Run];

    /// The name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Adjust => "adjust",
            Self::Run => "run",
        }
    }
}

/// A line in the account of an organisation's credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditEntry {
    /// Its id; of a run's entry the run's.
    pub entry_id: CreditEntryId,
    /// Why.
    pub kind: CreditKind,
    /// What it adds to the balance.
    pub credits: i64,
    /// The run, of a run's entry.
    pub run_id: Option<RunId>,
    /// What somebody has written beside it.
    pub note: Option<String>,
    /// Who made it; nobody of the organisation when absent.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
}

/// How much a budget lets pass in its time; at least one of the two is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Cost.
    pub max_cost: Option<NanoUsd>,
    /// Tokens of input and output.
    pub max_tokens: Option<u64>,
}

/// What to change of a budget's limits; absent stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetPatch {
    /// Cost; `Some(None)` for no limit.
    pub max_cost: Option<Option<NanoUsd>>,
    /// Tokens; `Some(None)` for no limit.
    pub max_tokens: Option<Option<u64>>,
}

/// A budget to be made.
#[derive(Clone, Debug)]
pub struct NewBudget {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub budget_id: BudgetId,
    /// What kind of thing it is for.
    pub scope: BudgetScope,
    /// Which one: an id, or a persona's key; absent for the organisation.
    pub scope_id: Option<String>,
    /// How long it lasts.
    pub period: BudgetPeriod,
    /// How much it lets pass.
    pub limits: BudgetLimits,
    /// When.
    pub created_at: Timestamp,
}

/// Cost and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Cost.
    pub cost: NanoUsd,
    /// Tokens of input and output.
    pub tokens: u64,
}

/// A budget, and how it stands in the period of a given moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRecord {
    /// Its id.
    pub budget_id: BudgetId,
    /// What kind of thing it is for.
    pub scope: BudgetScope,
    /// Which one; absent for the organisation.
    pub scope_id: Option<String>,
    /// How long it lasts.
    pub period: BudgetPeriod,
    /// How much it lets pass.
    pub limits: BudgetLimits,
    /// When the period began.
    pub period_start: Timestamp,
    /// What the period's runs that have ended took.
    pub spent: Spending,
    /// What its runs that haven't ended hold, with what they have spent so far.
    pub reserved: Spending,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What became of a new budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateBudget {
    /// It is there.
    Created,
    /// There is one for the same scope and period.
    Taken,
}

/// By what usage is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageGroup {
    /// The day in UTC on which a run was created, `2026-01-31`.
    Day,
    /// The provider's name of the model.
    Model,
    /// `key@version`.
    Persona,
    /// Who created a run, by id.
    User,
}

/// Which usage is asked for: of the runs created from `from` until before `to`.
#[derive(Clone, Copy, Debug)]
pub struct UsageQuery {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment that doesn't belong to it.
    pub to: Timestamp,
    /// By what it is told apart.
    pub group_by: UsageGroup,
}

/// What the runs of one group have used. Runs and credits are of the model with which a run
/// began; calls, tokens and cost of the model that was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The group.
    pub key: String,
    /// Tokens of the model calls.
    pub tokens: TokenBuckets,
    /// Cost of the model calls.
    pub cost: NanoUsd,
    /// Credit entries of the runs that have ended.
    pub credits: i64,
    /// Runs.
    pub runs: u64,
    /// Model calls.
    pub calls: u64,
}

/// Credits, budgets and usage. What runs do to them is in the transactions of
/// [`RunStore`](crate::RunStore).
#[async_trait]
pub trait MoneyStore: Send + Sync + 'static {
    /// What the organisation has.
    async fn balance(&self, org: OrgId) -> Result<Balance, StoreError>;

    /// Says whether the organisation's runs need credits; `None` leaves that to the deployment.
    /// It goes for runs that are created from then on. False when there is no such organisation.
    async fn set_metered(
        &self,
        org: OrgId,
        metered: Option<bool>,
        by: By,
    ) -> Result<bool, StoreError>;

    /// Adds an entry that is no run's, and moves the balance by it, below zero too. False when
    /// there is no such organisation.
    async fn add_credits(
        &self,
        org: OrgId,
        entry: CreditEntry,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<bool>, StoreError>;

    /// Lists the entries, newest first.
    async fn credit_entries(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<CreditEntry>, StoreError>;

    /// Makes a budget. Runs of its present period that were created before it count by what they
    /// have used so far; it stops none of them.
    async fn create_budget(
        &self,
        new: NewBudget,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateBudget>, StoreError>;

    /// A budget as it stands at a moment.
    async fn budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        at: Timestamp,
    ) -> Result<Option<BudgetRecord>, StoreError>;

    /// Lists budgets as they stand at a moment, newest first.
    async fn budgets(
        &self,
        org: OrgId,
        page: Page,
        at: Timestamp,
    ) -> Result<Paged<BudgetRecord>, StoreError>;

    /// Changes how much a budget lets pass; false when there is none.
    async fn update_budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        patch: BudgetPatch,
        by: By,
    ) -> Result<bool, StoreError>;

    /// Deletes a budget with what it has counted; false when there is none.
    async fn delete_budget(&self, org: OrgId, budget: BudgetId, by: By)
    -> Result<bool, StoreError>;

    /// What the organisation's runs have used, in the order of the groups' names. Reads all runs
    /// of the time: not for every request.
    async fn usage(&self, org: OrgId, query: UsageQuery) -> Result<Vec<UsageRow>, StoreError>;
}
