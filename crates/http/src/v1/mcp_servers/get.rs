use actix_web::HttpResponse;

use super::{McpServer, not_found, platform};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, ServerKey, ToolsManage};
use crate::precondition::tagged;

/// An MCP server of the organisation or of the platform.
#[utoipa::path(
    get,
    path = "/v1/mcp-servers/{server_id}",
    tag = "tools",
    params(("server_id" = String, Path, pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")),
    responses(
        (status = 200, description = "The server.", body = McpServer,
            headers(("ETag" = String, description = "Absent for the platform's."))),
        (status = 404, description = "`mcp_servers.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_mcp_server(call: Call<ToolsManage, ServerKey>) -> ApiResult {
    let id = match &call.path {
        ServerKey::Own(id) => *id,
        ServerKey::Platform(key) => {
            let server = platform(&call.state, key)?;
            return Ok(HttpResponse::Ok().json(McpServer::from(&server)));
        }
    };
    let store = call.state.store();
    let found = store.mcp_server(call.caller.org_id, id);
    let record = call.state.read(found).await?.ok_or_else(not_found)?;
    Ok(tagged(record.version, &McpServer::from(record)))
}
