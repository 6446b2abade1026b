use runloom_store::Page;

use super::McpServer;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, ToolsManage};
use crate::page;
use crate::v1::params::PageParams;

/// The organisation's MCP servers, newest first, and then the platform's.
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
    let (store, page) = (call.state.store(), call.query);
    let own = store.mcp_servers(call.caller.org_id, page);
    let own = call.state.read(own).await?;
    let platform = call.state.configuring().platform_servers.servers();
    let all = page::followed_by(own.map(McpServer::from), &platform, page, |server| {
        McpServer::from(server)
    });
    Ok(page::answer(&call.request, all, |server| server))
}
