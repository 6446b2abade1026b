use runloom_domain::McpServerId;

use super::{McpServer, not_found};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, ToolsManage};
use crate::precondition::tagged;

/// An MCP server.
#[utoipa::path(
    get,
    path = "/v1/mcp-servers/{server_id}",
    tag = "tools",
    params(("server_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The server.", body = McpServer,
            headers(("ETag" = String))),
        (status = 404, description = "`mcp_servers.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_mcp_server(call: Call<ToolsManage, McpServerId>) -> ApiResult {
    let store = call.state.store();
    let found = call
        .state
        .read(store.mcp_server(call.caller.org_id, call.path))
        .await?;
    let record = found.ok_or_else(not_found)?;
    Ok(tagged(record.version, &McpServer::from(record)))
}
