use actix_web::HttpResponse;
use runloom_domain::UserId;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, MembersManage};

/// Deletes a service account with its API keys; its runs and threads stay.
#[utoipa::path(
    delete,
    path = "/v1/service-accounts/{user_id}",
    tag = "organisations",
    params(("user_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Deleted."),
        (status = 403, description = "`auth.forbidden`, `members.role_above_own`",
            body = ErrorEnvelope),
        (status = 404, description = "`service_accounts.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_service_account(call: Call<MembersManage, UserId>) -> ApiResult {
    let (accounts, caller, id) = (call.state.accounts(), call.caller, call.path);
    call.state
        .run(async move { accounts.delete_service_account(&caller, id).await })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
