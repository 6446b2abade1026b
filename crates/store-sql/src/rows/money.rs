//! Credits and budgets.

use diesel::prelude::*;
use runloom_domain::{
    BudgetName, BudgetPeriod, BudgetScope, CreditRate, CreditTerms, Multiplier, NanoUsd, OrgId,
    Timestamp,
};
use runloom_store::{
    BudgetLimits, BudgetRecord, CreditEntry, CreditKind, NewBudget, Spending, StoreError,
};

use super::{signed, unsigned};
use crate::failure::corrupt;
use crate::schema::{budget_holds, budget_spend, budgets, credit_holds, credit_ledger};
use crate::types::{At, Id};

/// A line of the account as it is written and read.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = credit_ledger)]
pub(crate) struct EntryRow {
    org_id: Id,
    entry_id: Id,
    kind: String,
    credits: i64,
    run_id: Option<Id>,
    note: Option<String>,
    created_by: Option<Id>,
    created_at: At,
}

impl EntryRow {
    pub(crate) fn new(org: OrgId, entry: CreditEntry) -> Self {
        Self {
            org_id: org.into(),
            entry_id: entry.entry_id.into(),
            kind: entry.kind.as_str().to_owned(),
            credits: entry.credits,
            run_id: entry.run_id.map(Id::from),
            note: entry.note,
            created_by: entry.created_by.map(Id::from),
            created_at: At(entry.created_at),
        }
    }

    pub(crate) fn into_entry(self) -> Result<CreditEntry, StoreError> {
        let kind = CreditKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.kind);
        let unknown = || corrupt("credit_ledger", "kind", self.entry_id, "unknown kind");
        Ok(CreditEntry {
            entry_id: self.entry_id.into(),
            kind: kind.ok_or_else(unknown)?,
            credits: self.credits,
            run_id: self.run_id.map(Into::into),
            note: self.note,
            created_by: self.created_by.map(Into::into),
            created_at: self.created_at.0,
        })
    }
}

/// What a run holds of its organisation's credits.
#[derive(Clone, Copy, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = credit_holds)]
pub(crate) struct CreditHoldRow {
    pub(crate) org_id: Id,
    pub(crate) run_id: Id,
    pub(crate) credits: i64,
    pub(crate) step: i64,
    pub(crate) rate: i64,
    pub(crate) multiplier_thousandths: i64,
}

impl CreditHoldRow {
    pub(crate) fn terms(&self) -> Result<CreditTerms, StoreError> {
        let (table, key) = ("credit_holds", self.run_id);
        let multiplier = unsigned(
            table,
            "multiplier_thousandths",
            key,
            self.multiplier_thousandths,
        )?;
        Ok(CreditTerms {
            rate: CreditRate(unsigned(table, "rate", key, self.rate)?),
            multiplier: Multiplier::from_thousandths(multiplier),
        })
    }
}

/// What a new run holds of a budget.
#[derive(Clone, Copy, Debug, Insertable)]
#[diesel(table_name = budget_holds)]
pub(crate) struct BudgetHoldRow {
    pub(crate) org_id: Id,
    pub(crate) run_id: Id,
    pub(crate) budget_id: Id,
    pub(crate) period_start: At,
    pub(crate) cost_nanos: i64,
    pub(crate) tokens: i64,
    pub(crate) step_cost_nanos: i64,
    pub(crate) step_tokens: i64,
}

/// A budget as it is written and read.
#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = budgets)]
pub(crate) struct BudgetRow {
    pub(crate) org_id: Id,
    pub(crate) budget_id: Id,
    pub(crate) scope: String,
    pub(crate) scope_id: String,
    pub(crate) period: String,
    pub(crate) max_cost_nanos: Option<i64>,
    pub(crate) max_tokens: Option<i64>,
    pub(crate) created_at: At,
}

impl From<NewBudget> for BudgetRow {
    fn from(new: NewBudget) -> Self {
        Self {
            org_id: new.org_id.into(),
            budget_id: new.budget_id.into(),
            scope: new.scope.as_str().to_owned(),
            scope_id: new.scope_id.unwrap_or_default(),
            period: new.period.as_str().to_owned(),
            max_cost_nanos: new.limits.max_cost.map(NanoUsd::as_nanos),
            max_tokens: new.limits.max_tokens.map(signed),
            created_at: At(new.created_at),
        }
    }
}

impl BudgetRow {
    pub(crate) fn period(&self) -> Result<BudgetPeriod, StoreError> {
        let period = self.period.parse();
        period.map_err(|error| corrupt("budgets", "period", self.budget_id, error))
    }

    fn scope(&self) -> Result<BudgetScope, StoreError> {
        let scope = self.scope.parse();
        scope.map_err(|error| corrupt("budgets", "scope", self.budget_id, error))
    }

    fn scope_id(&self) -> Option<String> {
        Some(self.scope_id.clone()).filter(|id| !id.is_empty())
    }

    pub(crate) fn name(&self) -> Result<BudgetName, StoreError> {
        Ok(BudgetName {
            budget_id: self.budget_id.into(),
            scope: self.scope()?,
            scope_id: self.scope_id(),
            period: self.period()?,
        })
    }

    /// The budget as it stands by `spend` in the period that began at `period_start`.
    pub(crate) fn record(
        &self,
        period_start: Timestamp,
        spend: SpendRow,
    ) -> Result<BudgetRecord, StoreError> {
        let BudgetName {
            budget_id,
            scope,
            scope_id,
            period,
        } = self.name()?;
        let max_tokens = self.max_tokens.map(i64::unsigned_abs);
        Ok(BudgetRecord {
            budget_id,
            scope,
            scope_id,
            period,
            limits: BudgetLimits {
                max_cost: self.max_cost_nanos.map(NanoUsd::from_nanos),
                max_tokens,
            },
            period_start,
            spent: spending(spend.cost_nanos, spend.tokens),
            reserved: spending(spend.reserved_cost_nanos, spend.reserved_tokens),
            created_at: self.created_at.0,
        })
    }
}

const fn spending(cost_nanos: i64, tokens: i64) -> Spending {
    Spending {
        cost: NanoUsd::from_nanos(cost_nanos),
        tokens: tokens.unsigned_abs(),
    }
}

#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
/// What to change of a budget; the outer `None` leaves a column as it is.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = budgets)]
pub(crate) struct BudgetChanges {
    pub(crate) max_cost_nanos: Option<Option<i64>>,
    pub(crate) max_tokens: Option<Option<i64>>,
}

/// How a budget stands in a period.
#[derive(Clone, Copy, Debug, Default, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = budget_spend)]
pub(crate) struct SpendRow {
    pub(crate) cost_nanos: i64,
    pub(crate) tokens: i64,
    pub(crate) reserved_cost_nanos: i64,
    pub(crate) reserved_tokens: i64,
}

impl SpendRow {
    /// What is left of the budget's cost, when it limits that.
    pub(crate) fn free_cost(&self, budget: &BudgetRow) -> Option<i64> {
        let taken = self.cost_nanos.saturating_add(self.reserved_cost_nanos);
        budget.max_cost_nanos.map(|max| max.saturating_sub(taken))
    }

    /// What is left of the budget's tokens, when it limits them.
    pub(crate) fn free_tokens(&self, budget: &BudgetRow) -> Option<i64> {
        let taken = self.tokens.saturating_add(self.reserved_tokens);
        budget.max_tokens.map(|max| max.saturating_sub(taken))
    }
}
