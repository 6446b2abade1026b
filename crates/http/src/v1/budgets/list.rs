use runloom_store::Page;

use super::Budget;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, UsageRead};
use crate::page;
use crate::v1::params::PageParams;

/// The organisation's budgets as they stand, newest first.
#[utoipa::path(
    get,
    path = "/v1/budgets",
    tag = "money",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<Budget>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_budgets(call: Call<UsageRead, (), Page>) -> ApiResult {
    let (store, now) = (call.state.store(), call.state.now());
    let page = call
        .state
        .read(store.budgets(call.caller.org_id, call.query, now))
        .await?;
    Ok(page::answer(&call.request, page, Budget::from))
}
