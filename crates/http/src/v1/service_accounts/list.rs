use runloom_store::Page;

use super::ShownService;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, MembersManage};
use crate::page;
use crate::v1::params::PageParams;

/// The organisation's service accounts, newest first.
#[utoipa::path(
    get,
    path = "/v1/service-accounts",
    tag = "organisations",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<ShownService>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = 403, description = "`auth.forbidden`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_service_accounts(call: Call<MembersManage, (), Page>) -> ApiResult {
    let accounts = call.state.accounts();
    let page = call
        .state
        .read(accounts.service_accounts(&call.caller, call.query))
        .await?;
    Ok(page::answer(&call.request, page, ShownService::from))
}
