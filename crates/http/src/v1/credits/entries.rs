use runloom_store::Page;

use super::Entry;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, UsageRead};
use crate::page;
use crate::v1::params::PageParams;

/// What has come and gone of the organisation's credits, newest first.
#[utoipa::path(
    get,
    path = "/v1/credits/entries",
    tag = "money",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<Entry>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_credit_entries(call: Call<UsageRead, (), Page>) -> ApiResult {
    let store = call.state.store();
    let page = call
        .state
        .read(store.credit_entries(call.caller.org_id, call.query))
        .await?;
    Ok(page::answer(&call.request, page, Entry::from))
}
