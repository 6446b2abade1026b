use actix_web::HttpResponse;
use runloom_domain::UserId;

use super::ShownMember;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, MembersManage};

/// A member of the organisation.
#[utoipa::path(
    get,
    path = "/v1/members/{user_id}",
    tag = "organisations",
    params(("user_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The member.", body = ShownMember),
        (status = 403, description = "`auth.forbidden`", body = ErrorEnvelope),
        (status = 404, description = "`members.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_member(call: Call<MembersManage, UserId>) -> ApiResult {
    let accounts = call.state.accounts();
    let found = call.state.read(accounts.member(&call.caller, call.path));
    Ok(HttpResponse::Ok().json(ShownMember::from(found.await?)))
}
