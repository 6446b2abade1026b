use runloom_domain::McpServerId;
use runloom_store::{McpAuth, McpServerRecord, NewMcpServer};

use super::said::{NewMcpServerBody, SaidNew};
use super::{McpServer, refused};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Call, ToolsManage};
use crate::state::HttpState;
use crate::v1::params::OnceParams;

/// Makes an MCP server known. It is asked for its tools at once, behind this answer; `discovery`
/// tells what came of it.
#[utoipa::path(
    post,
    path = "/v1/mcp-servers",
    tag = "tools",
    params(OnceParams),
    request_body = NewMcpServerBody,
    responses(
        (status = 201, description = "Made.", body = McpServer),
        (status = 409, description = "`mcp_servers.key_taken`, `mcp_servers.limit_exceeded`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_mcp_server(call: Call<ToolsManage, (), (), SaidNew>) -> ApiResult {
    check(&call.state, &call.body)?;
    let (org, now) = (call.caller.org_id, call.state.now());
    let id = McpServerId::generate(now);
    let auth = match call.body.said.auth.as_ref().and_then(Option::as_ref) {
        Some(auth) => auth.sealed(&call.state, org, id).await?,
        None => McpAuth::None,
    };
    let new = NewMcpServer {
        org_id: org,
        server_id: id,
        key: call.body.key.clone(),
        settings: call.body.said.new_settings(&call.body.key, auth),
        created_by: call.caller.user_id,
        created_at: now,
    };
    let answer = Answer::created(&McpServer::from(McpServerRecord::from(new.clone())))?;
    // The body holds a secret, which must not be guessed from the hash that is kept of it.
    let accounts = call.state.accounts();
    let once = call.once_as(&call.caller.principal, |body| accounts.fingerprint(body))?;
    let once = once.map(|once| once.answered(&answer));
    let store = call.state.store();
    let by = call.by();
    let write = async move { store.create_mcp_server(new, once, by).await };
    let outcome = call.state.configure(org, write).await?;
    answer.settle(outcome, |answer, created| {
        created.map_err(refused)?;
        Ok(answer.respond())
    })
}

fn check(state: &HttpState, body: &SaidNew) -> Result<(), ApiError> {
    let configuring = state.configuring();
    if let Some(url) = &body.said.url {
        configuring
            .check_url(url)
            .map_err(|problem| ApiError::invalid_field("url", problem))?;
    }
    match &body.said.auth {
        Some(Some(auth)) => auth.check(configuring),
        _ => Ok(()),
    }
}
