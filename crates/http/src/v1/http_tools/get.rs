use runloom_domain::HttpToolId;

use super::{HttpTool, not_found};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, ToolsManage};
use crate::precondition::tagged;

/// An HTTP tool.
#[utoipa::path(
    get,
    path = "/v1/http-tools/{tool_id}",
    tag = "tools",
    params(("tool_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The tool.", body = HttpTool,
            headers(("ETag" = String))),
        (status = 404, description = "`http_tools.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_http_tool(call: Call<ToolsManage, HttpToolId>) -> ApiResult {
    let store = call.state.store();
    let found = call
        .state
        .read(store.http_tool(call.caller.org_id, call.path))
        .await?;
    let record = found.ok_or_else(not_found)?;
    Ok(tagged(record.version, &HttpTool::from(record)))
}
