use actix_web::HttpResponse;
use runloom_store::DeleteConfig;
use serde_json::json;

use super::{not_found, own};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, ServerKey, ToolsManage};
use crate::precondition::{IfMatch, failed};
use crate::v1::params::IfMatchParams;

/// Deletes a server with its secret and its tools, unless a run that has not ended began with
/// one of them.
#[utoipa::path(
    delete,
    path = "/v1/mcp-servers/{server_id}",
    tag = "tools",
    params(("server_id" = Uuid, Path), IfMatchParams),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "`mcp_servers.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`mcp_servers.platform`; `mcp_servers.in_use`: `details` counts \
            the `runs` that began with one of its tools and have not ended.", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_mcp_server(call: Call<ToolsManage, ServerKey>) -> ApiResult {
    let (store, org, id) = (
        call.state.store(),
        call.caller.org_id,
        own(&call.state, &call.path)?,
    );
    let expected = IfMatch::of(&call.request).version();
    let by = call.by();
    let write = async move { store.delete_mcp_server(org, id, expected, by).await };
    match call.state.configure(org, write).await? {
        DeleteConfig::Deleted => Ok(HttpResponse::NoContent().finish()),
        DeleteConfig::Absent => Err(not_found()),
        DeleteConfig::Stale => Err(failed()),
        DeleteConfig::InUse { runs, .. } => {
            let error = ApiError::conflict("mcp_servers.in_use", "runs need the server");
            Err(error.details(json!({ "runs": runs })))
        }
    }
}
