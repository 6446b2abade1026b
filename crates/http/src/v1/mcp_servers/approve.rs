use runloom_store::Update;
use utoipa::ToSchema;

use super::{McpToolShown, not_found, own, shown_tools};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, ServerKey, Size, ToolsManage};
use crate::precondition::{IfMatch, failed, tagged};
use crate::v1::params::IfMatchParams;

/// Which tools are approved.
#[derive(ToSchema)]
pub(crate) struct ApproveToolsBody {
    /// Their names at the server; all of them when left out.
    #[schema(value_type = Option<Vec<ToolAtServer>>, max_items = 1000)]
    tools: Option<Vec<String>>,
}

/// The name of a tool at its server.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 200)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct ToolAtServer(String);

impl Body for ApproveToolsBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            tools: fields.texts("tools", 1_000, Size::Bytes(1, 200)),
        }
    }
}

/// Approves tools of a server as they are known now, those that changed and those that are new.
/// With `If-Match` only as they were when they were read.
#[utoipa::path(
    post,
    path = "/v1/mcp-servers/{server_id}:approve",
    tag = "tools",
    params(("server_id" = Uuid, Path), IfMatchParams),
    request_body(content = Option<ApproveToolsBody>),
    responses(
        (status = 200, description = "All tools as they are known now.",
            body = Vec<McpToolShown>, headers(("ETag" = String, description = "The server's."))),
        (status = 404, description = "`mcp_servers.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`mcp_servers.platform`", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, also for a name that the server \
            doesn't have.", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn approve_mcp_tools(
    call: Call<ToolsManage, ServerKey, (), ApproveToolsBody>,
) -> ApiResult {
    let (store, org, id) = (
        call.state.store(),
        call.caller.org_id,
        own(&call.state, &call.path)?,
    );
    let expected = IfMatch::of(&call.request).version();
    let by = call.by();
    let (tools, now) = (call.body.tools, call.state.now());
    let write = async move { store.approve_tools(org, id, expected, tools, now, by).await };
    match call.state.configure(org, write).await? {
        Update::Done(Ok(listing)) => Ok(tagged(listing.server.version, &shown_tools(listing))),
        Update::Done(Err(unknown)) => {
            let problem = format!("the server has no tool {}", unknown.0);
            Err(ApiError::invalid_field("tools", problem))
        }
        Update::Absent => Err(not_found()),
        Update::Stale => Err(failed()),
    }
}
