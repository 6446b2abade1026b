use actix_web::HttpResponse;
use runloom_domain::InvitationId;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, MembersManage};

/// Takes an invitation back: its token is good for nothing any more.
#[utoipa::path(
    delete,
    path = "/v1/invitations/{invitation_id}",
    tag = "organisations",
    params(("invitation_id" = Uuid, Path)),
    responses(
        (status = 204, description = "Taken back."),
        (status = 403, description = "`auth.forbidden`", body = ErrorEnvelope),
        (status = 404, description = "`invitations.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_invitation(call: Call<MembersManage, InvitationId>) -> ApiResult {
    let (accounts, caller, id) = (call.state.accounts(), call.caller, call.path);
    call.state
        .run(async move { accounts.withdraw_invitation(&caller, id).await })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
