use runloom_store::Page;

use super::LlmRoute;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, RoutesManage};
use crate::page;
use crate::v1::params::PageParams;

/// The organisation's routes, newest first, and then the platform's.
#[utoipa::path(
    get,
    path = "/v1/llm-routes",
    tag = "configuration",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<LlmRoute>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_llm_routes(call: Call<RoutesManage, (), Page>) -> ApiResult {
    let (store, page) = (call.state.store(), call.query);
    let own = call
        .state
        .read(store.routes(call.caller.org_id, page))
        .await?;
    let platform = &call.state.configuring().platform.routes;
    let all = page::followed_by(own.map(LlmRoute::from), platform, page, |entry| {
        LlmRoute::from(entry)
    });
    Ok(page::answer(&call.request, all, |route| route))
}
