use runloom_domain::HttpToolId;
use runloom_store::{HttpToolRecord, NewHttpTool};

use super::said::{NewHttpToolBody, SaidNew};
use super::sealed::sealed;
use super::{HttpTool, check, refused};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Call, ToolsManage};
use crate::v1::params::OnceParams;

/// Makes an HTTP tool.
#[utoipa::path(
    post,
    path = "/v1/http-tools",
    tag = "tools",
    params(OnceParams),
    request_body = NewHttpToolBody,
    responses(
        (status = 201, description = "Made.", body = HttpTool),
        (status = 409, description = "`http_tools.name_taken`, `http_tools.limit_exceeded`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_http_tool(call: Call<ToolsManage, (), (), SaidNew>) -> ApiResult {
    let said = &call.body.0;
    check(&call.state, said.name.as_deref(), said.url.as_deref())?;
    let (org, now) = (call.caller.org_id, call.state.now());
    let id = HttpToolId::generate(now);
    let mut secrets = sealed(&call.state, org, id, said).await?;
    let signing = secrets.signing.take();
    let signing = signing.ok_or_else(|| ApiError::invalid_field("signing_secret", "is missing"))?;
    let new = NewHttpTool {
        org_id: org,
        tool_id: id,
        settings: said.new_settings(secrets, signing),
        created_by: call.caller.user_id,
        created_at: now,
    };
    let answer = Answer::created(&HttpTool::from(HttpToolRecord::from(new.clone())))?;
    // The body holds secrets, which must not be guessed from the hash that is kept of it.
    let accounts = call.state.accounts();
    let once = call.once_as(&call.caller.principal, |body| accounts.fingerprint(body))?;
    let once = once.map(|once| once.answered(&answer));
    let store = call.state.store();
    let by = call.by();
    let write = async move { store.create_http_tool(new, once, by).await };
    let outcome = call.state.configure(org, write).await?;
    answer.settle(outcome, |answer, created| {
        created.map_err(refused)?;
        Ok(answer.respond())
    })
}
