use actix_web::HttpResponse;
use runloom_domain::UserId;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, SignedIn};

/// Removes a member with its API keys; its runs and threads stay. It is nobody here within 2 s.
///
/// Needs `members.manage`, except for people who leave by themselves.
#[utoipa::path(
    delete,
    path = "/v1/members/{user_id}",
    tag = "organisations",
    params(("user_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Removed."),
        (status = 403, description = "`auth.forbidden`, `members.role_above_own`",
            body = ErrorEnvelope),
        (status = 404, description = "`members.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`members.last_owner`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_member(call: Call<SignedIn, UserId>) -> ApiResult {
    let (accounts, caller, user) = (call.state.accounts(), call.caller, call.path);
    call.state
        .run(async move { accounts.remove_member(&caller, user).await })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
