use actix_web::HttpResponse;
use runloom_domain::{OrgRole, UserId};
use utoipa::ToSchema;

use super::ShownMember;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, MembersManage};
use crate::v1::orgs::required_role;

/// What a member shall be.
#[derive(ToSchema)]
#[schema(as = MemberPatchBody)]
pub(crate) struct RoleBody {
    /// `owner`, `admin`, `member` or `viewer`; not above the caller's own role.
    #[schema(value_type = String, example = "admin", pattern = "^(owner|admin|member|viewer)$")]
    role: OrgRole,
}

impl Body for RoleBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            role: required_role(fields),
        }
    }
}

/// Gives a member another role. It counts within 2 s, for its API keys too.
#[utoipa::path(
    patch,
    path = "/v1/members/{user_id}",
    tag = "organisations",
    params(("user_id" = Uuid, Path)),
    request_body = RoleBody,
    responses(
        (status = 200, description = "The member as it is now.", body = ShownMember),
        (status = 403, description = "`auth.forbidden`, `members.role_above_own`",
            body = ErrorEnvelope),
        (status = 404, description = "`members.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`members.last_owner`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_member(call: Call<MembersManage, UserId, (), RoleBody>) -> ApiResult {
    let (accounts, caller, user, role) = (
        call.state.accounts(),
        call.caller,
        call.path,
        call.body.role,
    );
    let member = call
        .state
        .run(async move { accounts.set_role(&caller, user, role).await })
        .await?;
    Ok(HttpResponse::Ok().json(ShownMember::from(member)))
}
