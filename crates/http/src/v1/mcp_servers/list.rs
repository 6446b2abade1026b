use runloom_store::Page;

use super::McpServer;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, ToolsManage};
use crate::page;
use crate::v1::params::PageParams;

/// The organisation's MCP servers, newest first.
#[utoipa::path(
    get,
    path = "/v1/mcp-servers",
    tag = "tools",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<McpServer>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_mcp_servers(call: Call<ToolsManage, (), Page>) -> ApiResult {
    let store = call.state.store();
    let page = call
        .state
        .read(store.mcp_servers(call.caller.org_id, call.query))
        .await?;
    Ok(page::answer(&call.request, page, McpServer::from))
}
