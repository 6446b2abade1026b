use actix_web::HttpResponse;
use runloom_domain::HttpToolId;
use runloom_store::DeleteConfig;
use serde_json::json;

use super::not_found;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, ToolsManage};
use crate::precondition::{IfMatch, failed};
use crate::v1::params::IfMatchParams;

/// Deletes a tool with its secrets, unless a run that has not ended began with it.
#[utoipa::path(
    delete,
    path = "/v1/http-tools/{tool_id}",
    tag = "tools",
    params(("tool_id" = Uuid, Path), IfMatchParams),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "`http_tools.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`http_tools.in_use`: `details` counts the `runs` that \
            began with it and have not ended.", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_http_tool(call: Call<ToolsManage, HttpToolId>) -> ApiResult {
    let (store, org, id) = (call.state.store(), call.caller.org_id, call.path);
    let expected = IfMatch::of(&call.request).version();
    let by = call.by();
    let write = async move { store.delete_http_tool(org, id, expected, by).await };
    match call.state.configure(org, write).await? {
        DeleteConfig::Deleted => Ok(HttpResponse::NoContent().finish()),
        DeleteConfig::Absent => Err(not_found()),
        DeleteConfig::Stale => Err(failed()),
        DeleteConfig::InUse { runs, .. } => {
            let error = ApiError::conflict("http_tools.in_use", "runs need the tool");
            Err(error.details(json!({ "runs": runs })))
        }
    }
}
