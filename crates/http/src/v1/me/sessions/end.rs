use actix_web::HttpResponse;
use runloom_domain::SessionId;

use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, Person};

/// Signs the caller out of one of their sessions. Its access tokens stop working within 2 s, and
/// streams opened with them end within 60 s.
#[utoipa::path(
    delete,
    path = "/v1/me/sessions/{session_id}",
    tag = "accounts",
    params(("session_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Ended."),
        (status = 403, description = "`auth.person_needed`: an API key has none.",
            body = ErrorEnvelope),
        (status = 404, description = "`sessions.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn end_session(call: Call<Person, SessionId>) -> ApiResult {
    let (accounts, caller, session) = (call.state.accounts(), call.caller, call.path);
    let ended = call
        .state
        .run(async move { accounts.end_session(&caller, session).await })
        .await?;
    if ended {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::not_found(
            "sessions.not_found",
            "there is no such session",
        ))
    }
}
