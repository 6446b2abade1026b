use actix_web::HttpResponse;
use runloom_domain::BudgetId;

use super::not_found;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{BudgetsManage, Call};

/// Deletes a budget with what it has counted. It holds nobody back any more.
#[utoipa::path(
    delete,
    path = "/v1/budgets/{budget_id}",
    tag = "money",
    params(("budget_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "`budgets.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_budget(call: Call<BudgetsManage, BudgetId>) -> ApiResult {
    let (store, org, budget) = (call.state.store(), call.caller.org_id, call.path);
    let by = call.by();
    let deleted = call
        .state
        .run(async move { store.delete_budget(org, budget, by).await })
        .await?;
    if deleted {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(not_found())
    }
}
