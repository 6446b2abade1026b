//! Budgets: how much may be spent in a day or a month.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use runloom_domain::{BudgetId, BudgetPeriod, BudgetScope, NanoUsd, Timestamp};
use runloom_store::{BudgetRecord, Spending};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::Fields;

/// A budget and how it stands in its present period.
#[derive(Serialize, ToSchema)]
pub(crate) struct Budget {
    #[schema(value_type = Uuid)]
    id: BudgetId,
    /// `organisation`, `user`, `api_key`, `persona` or `thread`
    #[schema(value_type = String)]
    scope: BudgetScope,
    /// The id of what it is for, a persona's key; null for the organisation.
    #[schema(required)]
    scope_id: Option<String>,
    /// `day` or `month`, by the calendar of UTC
    #[schema(value_type = String)]
    period: BudgetPeriod,
    /// Null without limit.
    #[schema(required)]
    max_cost_usd: Option<f64>,
    /// Tokens of input and output; null without limit.
    #[schema(required)]
    max_tokens: Option<u64>,
    #[schema(value_type = String, format = DateTime)]
    period_start: Timestamp,
    /// What the period's runs have cost that have ended. A run belongs to the period in which it
    /// was created.
    spent_cost_usd: f64,
    spent_tokens: u64,
    /// What its other runs hold, with what they have spent so far.
    reserved_cost_usd: f64,
    reserved_tokens: u64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<BudgetRecord> for Budget {
    fn from(budget: BudgetRecord) -> Self {
        let Spending { cost, tokens } = budget.spent;
        Self {
            id: budget.budget_id,
            scope: budget.scope,
            scope_id: budget.scope_id,
            period: budget.period,
            max_cost_usd: budget.limits.max_cost.map(NanoUsd::as_dollars),
            max_tokens: budget.limits.max_tokens,
            period_start: budget.period_start,
            spent_cost_usd: cost.as_dollars(),
            spent_tokens: tokens,
            reserved_cost_usd: budget.reserved.cost.as_dollars(),
            reserved_tokens: budget.reserved.tokens,
            created_at: budget.created_at,
        }
    }
}

/// A limit on cost; zero lets nothing pass.
fn max_cost(fields: &mut Fields) -> Option<NanoUsd> {
    fields.read("max_cost_usd", |value| {
        let cost = value.as_f64().and_then(NanoUsd::from_dollars);
        cost.ok_or_else(|| "must be a number of dollars from 0".to_owned())
    })
}

/// A limit on tokens; zero lets nothing pass.
fn max_tokens(fields: &mut Fields) -> Option<u64> {
    fields.read("max_tokens", |value: Value| {
        let tokens = value.as_u64().filter(|n| i64::try_from(*n).is_ok());
        tokens.ok_or_else(|| "must be an integer from 0".to_owned())
    })
}

fn not_found() -> ApiError {
    ApiError::not_found("budgets.not_found", "there is no such budget")
}

fn without_limit() -> ApiError {
    ApiError::invalid_field("max_cost_usd", "is needed, or max_tokens")
}
