use runloom_domain::McpServerId;

use super::{McpToolShown, not_found, shown_tools};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, ToolsManage};
use crate::precondition::tagged;

/// What is known of a server's tools, by name.
#[utoipa::path(
    get,
    path = "/v1/mcp-servers/{server_id}/tools",
    tag = "tools",
    params(("server_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The tools.", body = Vec<McpToolShown>,
            headers(("ETag" = String, description = "The server's."))),
        (status = 404, description = "`mcp_servers.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_mcp_tools(call: Call<ToolsManage, McpServerId>) -> ApiResult {
    let store = call.state.store();
    let found = call
        .state
        .read(store.mcp_listing(call.caller.org_id, call.path))
        .await?;
    let listing = found.ok_or_else(not_found)?;
    Ok(tagged(listing.server.version, &shown_tools(listing)))
}
