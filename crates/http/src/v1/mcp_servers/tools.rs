use actix_web::HttpResponse;

use super::{McpToolShown, not_found, platform, platform_tools, shown_tools};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, ServerKey, ToolsManage};
use crate::precondition::tagged;

/// What is known of a server's tools, by name. Those of the platform's servers need nobody's
/// approval.
#[utoipa::path(
    get,
    path = "/v1/mcp-servers/{server_id}/tools",
    tag = "tools",
    params(("server_id" = String, Path, pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")),
    responses(
        (status = 200, description = "The tools.", body = Vec<McpToolShown>,
            headers(("ETag" = String,
                description = "The server's; absent for the platform's."))),
        (status = 404, description = "`mcp_servers.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_mcp_tools(call: Call<ToolsManage, ServerKey>) -> ApiResult {
    let id = match &call.path {
        ServerKey::Own(id) => *id,
        ServerKey::Platform(key) => {
            let server = platform(&call.state, key)?;
            return Ok(HttpResponse::Ok().json(platform_tools(server)));
        }
    };
    let store = call.state.store();
    let found = store.mcp_listing(call.caller.org_id, id);
    let listing = call.state.read(found).await?.ok_or_else(not_found)?;
    Ok(tagged(listing.server.version, &shown_tools(listing)))
}
