use actix_web::HttpResponse;
use runloom_domain::BudgetId;

use super::{Budget, not_found};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, UsageRead};

/// A budget as it stands.
#[utoipa::path(
    get,
    path = "/v1/budgets/{budget_id}",
    tag = "money",
    params(("budget_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The budget.", body = Budget),
        (status = 404, description = "`budgets.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_budget(call: Call<UsageRead, BudgetId>) -> ApiResult {
    let (store, now) = (call.state.store(), call.state.now());
    let found = call
        .state
        .read(store.budget(call.caller.org_id, call.path, now))
        .await?;
    let record = found.ok_or_else(not_found)?;
    Ok(HttpResponse::Ok().json(Budget::from(record)))
}
