use runloom_store::Page;

use super::ShownKey;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, KeysManage};
use crate::page;
use crate::v1::params::PageParams;

/// API keys, newest first: the organisation's for owners and admins, else the caller's own.
#[utoipa::path(
    get,
    path = "/v1/api-keys",
    tag = "accounts",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<ShownKey>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_api_keys(call: Call<KeysManage, (), Page>) -> ApiResult {
    let accounts = call.state.accounts();
    let page = call
        .state
        .read(accounts.api_keys(&call.caller, call.query))
        .await?;
    Ok(page::answer(&call.request, page, ShownKey::from))
}
