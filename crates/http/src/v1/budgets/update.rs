use actix_web::HttpResponse;
use runloom_domain::BudgetId;
use runloom_store::BudgetPatch;
use utoipa::ToSchema;

use super::{Budget, max_cost, max_tokens, not_found, without_limit};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, BudgetsManage, Call, Fields};

/// What to change of a budget: an absent field stays, null removes it. One limit has to stay.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct BudgetPatchBody {
    #[schema(minimum = 0)]
    max_cost_usd: Option<f64>,
    /// Tokens of input and output.
    #[schema(minimum = 0)]
    max_tokens: Option<u64>,
}

impl Body for BudgetPatch {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            max_cost: fields.has("max_cost_usd").then(|| max_cost(fields)),
            max_tokens: fields.has("max_tokens").then(|| max_tokens(fields)),
        }
    }
}

/// Changes how much a budget lets pass, also for runs under way from their next step on.
#[utoipa::path(
    patch,
    path = "/v1/budgets/{budget_id}",
    tag = "money",
    params(("budget_id" = Uuid, Path)),
    request_body = Option<BudgetPatchBody>,
    responses(
        (status = 200, description = "The budget as it is now.", body = Budget),
        (status = 404, description = "`budgets.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_budget(
    call: Call<BudgetsManage, BudgetId, (), BudgetPatch>,
) -> ApiResult {
    let (store, org, budget) = (call.state.store(), call.caller.org_id, call.path);
    let (now, patch) = (call.state.now(), call.body);
    let before = call.state.read(store.budget(org, budget, now)).await?;
    let before = before.ok_or_else(not_found)?.limits;
    let cost = patch.max_cost.unwrap_or(before.max_cost);
    let tokens = patch.max_tokens.unwrap_or(before.max_tokens);
    if cost.is_none() && tokens.is_none() {
        return Err(without_limit());
    }
    let by = call.by();
    let found = call
        .state
        .run(async move {
            store.update_budget(org, budget, patch, by).await?;
            store.budget(org, budget, now).await
        })
        .await?;
    let record = found.ok_or_else(not_found)?;
    Ok(HttpResponse::Ok().json(Budget::from(record)))
}
