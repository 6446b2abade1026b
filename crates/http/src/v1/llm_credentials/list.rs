use runloom_store::Page;

use super::Credential;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, RoutesManage};
use crate::page;
use crate::v1::params::PageParams;

/// The organisation's credentials, newest first.
#[utoipa::path(
    get,
    path = "/v1/llm-credentials",
    tag = "configuration",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<Credential>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_credentials(call: Call<RoutesManage, (), Page>) -> ApiResult {
    let store = call.state.store();
    let page = call
        .state
        .read(store.credentials(call.caller.org_id, call.query))
        .await?;
    Ok(page::answer(&call.request, page, Credential::from))
}
