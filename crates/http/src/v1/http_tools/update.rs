use runloom_domain::HttpToolId;
use runloom_store::{HttpToolRecord, Update};

use super::said::{HttpToolPatchBody, Said};
use super::sealed::sealed;
use super::{HttpTool, check, not_found, refused};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, ToolsManage};
use crate::precondition::{IfMatch, TRIES, contended, tagged};
use crate::v1::params::IfMatchParams;

/// Changes a tool. Runs that have begun use it as it is then; when its name, description or
/// schema changes, their calls of it fail.
#[utoipa::path(
    patch,
    path = "/v1/http-tools/{tool_id}",
    tag = "tools",
    params(("tool_id" = Uuid, Path), IfMatchParams),
    request_body = HttpToolPatchBody,
    responses(
        (status = 200, description = "The tool as it is now.", body = HttpTool,
            headers(("ETag" = String))),
        (status = 404, description = "`http_tools.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`http_tools.name_taken`", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_http_tool(call: Call<ToolsManage, HttpToolId, (), Said>) -> ApiResult {
    let (state, org, id) = (&call.state, call.caller.org_id, call.path);
    let if_match = IfMatch::of(&call.request);
    let mut secrets = None;
    for _ in 0..TRIES {
        let store = state.store();
        let found = state.read(store.http_tool(org, id)).await?;
        let found = found.ok_or_else(not_found)?;
        if_match.check(found.version)?;
        let moved = call.body.url.as_deref();
        let moved = moved.filter(|url| *url != found.settings.url);
        check(state, call.body.name.as_deref(), moved)?;
        if moved.is_some() {
            check_secrets(&found, &call.body)?;
        }
        let secrets = match &secrets {
            Some(known) => known,
            None => secrets.insert(sealed(state, org, id, &call.body).await?),
        };
        let (expected, now) = (found.version, state.now());
        let settings = call.body.applied(found.settings, secrets.clone());
        let by = call.by();
        let write = async move {
            let updated = store.update_http_tool(org, id, expected, settings, now, by);
            updated.await
        };
        match state.configure(org, write).await? {
            Update::Done(outcome) => {
                let record = outcome.map_err(refused)?;
                return Ok(tagged(record.version, &HttpTool::from(record)));
            }
            Update::Absent => return Err(not_found()),
            Update::Stale => {}
        }
    }
    Err(contended())
}

/// Whether the secrets are given again that would go to another address.
fn check_secrets(found: &HttpToolRecord, said: &Said) -> Result<(), ApiError> {
    let problem = "must be given again when url changes";
    if said.signing_secret.is_none() {
        return Err(ApiError::invalid_field("signing_secret", problem));
    }
    if said.secret_header.is_none() && found.settings.secret_header.is_some() {
        return Err(ApiError::invalid_field("secret_header", problem));
    }
    Ok(())
}
