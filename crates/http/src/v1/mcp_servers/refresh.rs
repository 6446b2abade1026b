use actix_web::HttpResponse;
use runloom_engine::port::tool::ToolError;
use runloom_store::Update;
use serde::Serialize;
use utoipa::ToSchema;

use super::{McpToolShown, not_found, own, shown_tools};
use crate::configuring::Refreshed;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, Empty, ServerKey, ToolsManage};
use crate::precondition::{contended, tagged};

/// What became of asking a server for its tools.
#[derive(Serialize, ToSchema)]
pub(crate) struct McpRefresh {
    /// Whether the server answered.
    ok: bool,
    /// All that is known of its tools now; null when it didn't.
    #[schema(required)]
    tools: Option<Vec<McpToolShown>>,
    /// Why it didn't.
    #[schema(required)]
    error: Option<McpRefreshError>,
}

/// Why a server didn't list its tools.
#[derive(Serialize, ToSchema)]
pub(crate) struct McpRefreshError {
    /// As a call of a tool would fail with.
    #[schema(example = "tool.unavailable")]
    pub(super) error_class: String,
    pub(super) message: String,
}

/// Asks a server for its tools now, for at most 15 s. What it lists first at its URL is approved;
/// later a changed tool waits for `:approve`, and so does a new one without `approve_new`.
#[utoipa::path(
    post,
    path = "/v1/mcp-servers/{server_id}:refresh",
    tag = "tools",
    params(("server_id" = Uuid, Path)),
    responses(
        (status = 200, description = "It was asked.", body = McpRefresh,
            headers(("ETag" = String, description = "The server's, if it answered."))),
        (status = 404, description = "`mcp_servers.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`mcp_servers.platform`; `request.contended`: the server was \
            changed meanwhile.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn refresh_mcp_server(call: Call<ToolsManage, ServerKey, (), Empty>) -> ApiResult {
    let (state, org, id) = (
        &call.state,
        call.caller.org_id,
        own(&call.state, &call.path)?,
    );
    let store = state.store();
    let found = state.read(store.mcp_server(org, id)).await?;
    let server = found.ok_or_else(not_found)?;
    let servers = state.configuring().tool_servers.clone();
    let asked = async move { servers.refresh(server).await };
    let update = match state.configure(org, asked).await? {
        Refreshed::Listed(update) => *update,
        Refreshed::Failed(error) => return Ok(HttpResponse::Ok().json(failed(error))),
    };
    match update {
        Update::Done(listing) => {
            let version = listing.server.version;
            let refreshed = McpRefresh {
                ok: true,
                tools: Some(shown_tools(listing)),
                error: None,
            };
            Ok(tagged(version, &refreshed))
        }
        Update::Absent => Err(not_found()),
        Update::Stale => Err(contended()),
    }
}

fn failed(error: ToolError) -> McpRefresh {
    McpRefresh {
        ok: false,
        tools: None,
        error: Some(McpRefreshError {
            error_class: error.class,
            message: error.message,
        }),
    }
}
