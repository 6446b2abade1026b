use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use runloom_domain::{BudgetId, ModelCall, NanoUsd, OrgId, RunId, RunTotals, ThreadId, Timestamp};

use super::MemoryStore;
use super::holds::Hold;
use super::lists::newest_first;
use super::state::{State, rejected, storable};
use crate::{
    Balance, BudgetPatch, BudgetRecord, By, CreateBudget, CreditEntry, Idempotency, MoneyStore,
    NewBudget, NewRun, Once, Page, PageKey, Paged, Spending, StoreError, UsageQuery, UsageRow,
    entries,
};

/// What organisations have and what they may spend.
#[derive(Default)]
pub(super) struct Money {
    /// The organisations with a rule of their own.
    pub(super) metered: HashMap<OrgId, bool>,
    pub(super) balances: HashMap<OrgId, Account>,
    entries: Vec<(OrgId, CreditEntry)>,
    pub(super) budgets: BTreeMap<BudgetId, NewBudget>,
    standings: HashMap<(BudgetId, Timestamp), Standing>,
    /// What runs hold that haven't ended.
    pub(super) holds: HashMap<RunId, Hold>,
}

/// An organisation's credits.
#[derive(Clone, Copy, Default)]
pub(super) struct Account {
    pub(super) credits: i64,
    pub(super) reserved: i64,
}

impl Account {
    pub(super) const fn free(self) -> i64 {
        self.credits.saturating_sub(self.reserved)
    }
}

/// How a budget stands in one period.
#[derive(Clone, Copy, Default)]
pub(super) struct Standing {
    pub(super) spent: Amounts,
    pub(super) reserved: Amounts,
}

/// Cost in nano-dollars, and tokens of input and output.
#[derive(Clone, Copy, Default)]
pub(super) struct Amounts {
    pub(super) cost: i64,
    pub(super) tokens: i64,
}

impl Amounts {
    pub(super) fn of(calls: &[ModelCall]) -> Self {
        let totals = calls.iter().fold(RunTotals::default(), RunTotals::plus);
        totals.into()
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            cost: self.cost.saturating_add(other.cost),
            tokens: self.tokens.saturating_add(other.tokens),
        }
    }

    const fn shown(self) -> Spending {
        Spending {
            cost: NanoUsd::from_nanos(self.cost),
            tokens: self.tokens.unsigned_abs(),
        }
    }
}

impl From<RunTotals> for Amounts {
    fn from(totals: RunTotals) -> Self {
        let tokens = totals.tokens;
        let all = tokens.input_tokens().saturating_add(tokens.output_tokens);
        Self {
            cost: totals.cost.as_nanos(),
            tokens: i64::try_from(all).unwrap_or(i64::MAX),
        }
    }
}

/// What is left of a budget; what it doesn't limit is absent.
pub(super) struct Free {
    pub(super) cost: Option<i64>,
    pub(super) tokens: Option<i64>,
}

impl Money {
    pub(super) fn of(&self, org: OrgId) -> Account {
        self.balances.get(&org).copied().unwrap_or_default()
    }

    /// Adds an entry and moves the balance by it.
    pub(super) fn enter(&mut self, org: OrgId, entry: CreditEntry) {
        let balance = self.balances.entry(org).or_default();
        balance.credits = balance.credits.saturating_add(entry.credits);
        self.entries.push((org, entry));
    }

    /// The budgets that count a new run, in the order of their ids.
    pub(super) fn budgets_for(
        &self,
        new: &NewRun,
        root: Option<ThreadId>,
    ) -> impl Iterator<Item = &NewBudget> {
        let scopes = new.budget_scopes(root);
        let org = new.org_id;
        self.budgets.values().filter(move |budget| {
            let id = budget.scope_id.clone().unwrap_or_default();
            budget.org_id == org && scopes.contains(&(budget.scope, id))
        })
    }

    pub(super) fn standing(&mut self, budget: BudgetId, from: Timestamp) -> &mut Standing {
        self.standings.entry((budget, from)).or_default()
    }

    pub(super) fn free(&self, budget: &NewBudget, from: Timestamp) -> Free {
        let standing = self.standings.get(&(budget.budget_id, from));
        let Standing { spent, reserved } = standing.copied().unwrap_or_default();
        let taken = spent.plus(reserved);
        let tokens = |max| i64::try_from(max).unwrap_or(i64::MAX);
        Free {
            cost: (budget.limits.max_cost).map(|max| max.as_nanos().saturating_sub(taken.cost)),
            tokens: (budget.limits.max_tokens).map(|max| tokens(max).saturating_sub(taken.tokens)),
        }
    }

    fn budget(&mut self, org: OrgId, budget: BudgetId) -> Option<&mut NewBudget> {
        let found = self.budgets.get_mut(&budget);
        found.filter(|budget| budget.org_id == org)
    }

    fn record(&self, budget: &NewBudget, at: Timestamp) -> BudgetRecord {
        let period_start = budget.period.start(at);
        let standing = self.standings.get(&(budget.budget_id, period_start));
        let Standing { spent, reserved } = standing.copied().unwrap_or_default();
        BudgetRecord {
            budget_id: budget.budget_id,
            scope: budget.scope,
            scope_id: budget.scope_id.clone(),
            period: budget.period,
            limits: budget.limits,
            period_start,
            spent: spent.shown(),
            reserved: reserved.shown(),
            created_at: budget.created_at,
        }
    }
}

impl State {
    /// What the period's runs have used before there was a budget for them.
    fn used_before(&self, budget: &NewBudget) -> Amounts {
        let start = budget.period.start(budget.created_at);
        let runs = self.runs.values().filter(|run| {
            run.row.org_id == budget.org_id && run.row.created_at >= start && run.counts_for(budget)
        });
        runs.fold(Amounts::default(), |sum, run| {
            sum.plus(run.row.totals.into())
        })
    }
}

#[async_trait]
impl MoneyStore for MemoryStore {
    async fn balance(&self, org: OrgId) -> Result<Balance, StoreError> {
        let state = self.state();
        let Account { credits, reserved } = state.money.of(org);
        Ok(Balance {
            credits,
            reserved,
            metered: state.money.metered.get(&org).copied(),
        })
    }

    async fn set_metered(
        &self,
        org: OrgId,
        metered: Option<bool>,
        by: By,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        if !state.has_org(org) {
            return Ok(false);
        }
        match metered {
            Some(metered) => state.money.metered.insert(org, metered),
            None => state.money.metered.remove(&org),
        };
        state.note(by, entries::metering_changed(org, metered));
        Ok(true)
    }

    async fn add_credits(
        &self,
        org: OrgId,
        entry: CreditEntry,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<bool>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        if !state.has_org(org) {
            return Ok(Once::Done(false));
        }
        storable(entry.note.as_deref())?;
        let mut entries = state.money.entries.iter();
        if entries.any(|(of, known)| *of == org && known.entry_id == entry.entry_id) {
            return Err(rejected("an entry is repeated"));
        }
        state.note(by, entries::credits_added(org, &entry));
        state.money.enter(org, entry);
        state.keep(once, now);
        Ok(Once::Done(true))
    }

    async fn credit_entries(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<CreditEntry>, StoreError> {
        let state = self.state();
        let entries = state.money.entries.iter();
        let own = entries
            .filter(|(of, _)| *of == org)
            .map(|(_, entry)| entry.clone());
        Ok(newest_first(own.collect(), page, |entry| PageKey {
            created_at: entry.created_at,
            id: entry.entry_id.as_uuid(),
        }))
    }

    async fn create_budget(
        &self,
        new: NewBudget,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<CreateBudget>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        storable(new.scope_id.as_deref())?;
        let what = |b: &NewBudget| (b.org_id, b.scope, b.scope_id.clone(), b.period);
        let mut budgets = state.money.budgets.values();
        if budgets.any(|known| what(known) == what(&new)) {
            return Ok(Once::Done(CreateBudget::Taken));
        }
        let start = new.period.start(new.created_at);
        let used = state.used_before(&new);
        state.money.standing(new.budget_id, start).spent = used;
        state.note(by, entries::budget_created(&new));
        state.money.budgets.insert(new.budget_id, new);
        state.keep(once, now);
        Ok(Once::Done(CreateBudget::Created))
    }

    async fn budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        at: Timestamp,
    ) -> Result<Option<BudgetRecord>, StoreError> {
        let mut state = self.state();
        let found = state.money.budget(org, budget).cloned();
        Ok(found.map(|found| state.money.record(&found, at)))
    }

    async fn budgets(
        &self,
        org: OrgId,
        page: Page,
        at: Timestamp,
    ) -> Result<Paged<BudgetRecord>, StoreError> {
        let state = self.state();
        let own = state.money.budgets.values().filter(|b| b.org_id == org);
        let records = own.map(|budget| state.money.record(budget, at)).collect();
        Ok(newest_first(records, page, |budget: &BudgetRecord| {
            PageKey {
                created_at: budget.created_at,
                id: budget.budget_id.as_uuid(),
            }
        }))
    }

    async fn update_budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        patch: BudgetPatch,
        by: By,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Some(found) = state.money.budget(org, budget) else {
            return Ok(false);
        };
        let limits = &mut found.limits;
        limits.max_cost = patch.max_cost.unwrap_or(limits.max_cost);
        limits.max_tokens = patch.max_tokens.unwrap_or(limits.max_tokens);
        if patch != BudgetPatch::default() {
            state.note(by, entries::budget_changed(org, budget, patch));
        }
        Ok(true)
    }

    async fn delete_budget(
        &self,
        org: OrgId,
        budget: BudgetId,
        by: By,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        if state.money.budget(org, budget).is_none() {
            return Ok(false);
        }
        state.money.budgets.remove(&budget);
        state.money.standings.retain(|(of, _), _| *of != budget);
        state.note(by, entries::budget_deleted(org, budget));
        Ok(true)
    }

    async fn usage(&self, org: OrgId, query: UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        Ok(self.state().usage(org, query))
    }
}
