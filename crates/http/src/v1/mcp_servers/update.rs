use runloom_store::{McpAuth, McpServerRecord, Update};

use super::said::{McpServerPatchBody, Said};
use super::{McpServer, not_found, own};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, ServerKey, ToolsManage};
use crate::precondition::{IfMatch, TRIES, contended, tagged};
use crate::state::HttpState;
use crate::v1::params::IfMatchParams;

/// Changes a server. Runs that have begun use it as it is then.
#[utoipa::path(
    patch,
    path = "/v1/mcp-servers/{server_id}",
    tag = "tools",
    params(("server_id" = Uuid, Path), IfMatchParams),
    request_body = McpServerPatchBody,
    responses(
        (status = 200, description = "The server as it is now.", body = McpServer,
            headers(("ETag" = String))),
        (status = 404, description = "`mcp_servers.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`mcp_servers.platform`", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_mcp_server(call: Call<ToolsManage, ServerKey, (), Said>) -> ApiResult {
    let (state, org, id) = (
        &call.state,
        call.caller.org_id,
        own(&call.state, &call.path)?,
    );
    let if_match = IfMatch::of(&call.request);
    let mut auth = None;
    for _ in 0..TRIES {
        let store = state.store();
        let found = state.read(store.mcp_server(org, id)).await?;
        let found = found.ok_or_else(not_found)?;
        if_match.check(found.version)?;
        check(state, &found, &call.body)?;
        if let (None, Some(said)) = (&auth, &call.body.auth) {
            auth = Some(match said {
                Some(said) => said.sealed(state, org, id).await?,
                None => McpAuth::None,
            });
        }
        let (expected, now) = (found.version, state.now());
        let settings = call.body.applied(&found.key, found.settings, auth.clone());
        let by = call.by();
        let write = async move {
            let updated = store.update_mcp_server(org, id, expected, settings, now, by);
            updated.await
        };
        match state.configure(org, write).await? {
            Update::Done(record) => return Ok(tagged(record.version, &McpServer::from(record))),
            Update::Absent => return Err(not_found()),
            Update::Stale => {}
        }
    }
    Err(contended())
}

fn check(state: &HttpState, found: &McpServerRecord, said: &Said) -> Result<(), ApiError> {
    let configuring = state.configuring();
    let before = &found.settings;
    if let Some(url) = said.url.as_ref().filter(|url| **url != before.url) {
        configuring
            .check_url(url)
            .map_err(|problem| ApiError::invalid_field("url", problem))?;
        if said.auth.is_none() && before.auth.secret().is_some() {
            let problem = "must be given again when url changes";
            return Err(ApiError::invalid_field("auth", problem));
        }
    }
    match &said.auth {
        Some(Some(auth)) => auth.check(configuring),
        _ => Ok(()),
    }
}
