use actix_web::HttpResponse;
use runloom_domain::{OrgRole, UserId};
use utoipa::ToSchema;

use super::ShownService;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, MembersManage};
use crate::v1::orgs::{NAME, role};

/// What to change of a service account: an absent field stays.
#[derive(ToSchema)]
#[schema(as = ServiceAccountPatchBody)]
pub(crate) struct ServicePatch {
    #[schema(
        example = "nightly-reports",
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: Option<String>,
    /// `owner`, `admin`, `member` or `viewer`; not above the caller's own role.
    #[schema(value_type = Option<String>, example = "viewer", pattern = "^(owner|admin|member|viewer)$")]
    role: Option<OrgRole>,
}

impl Body for ServicePatch {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            name: fields.optional_text("name", NAME),
            role: role(fields),
        }
    }
}

/// Changes a service account's name or role. The role counts within 2 s.
#[utoipa::path(
    patch,
    path = "/v1/service-accounts/{user_id}",
    tag = "organisations",
    params(("user_id" = Uuid, Path)),
    request_body = Option<ServicePatch>,
    responses(
        (status = 200, description = "The account as it is now.", body = ShownService),
        (status = 403, description = "`auth.forbidden`, `members.role_above_own`",
            body = ErrorEnvelope),
        (status = 404, description = "`service_accounts.not_found`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_service_account(
    call: Call<MembersManage, UserId, (), ServicePatch>,
) -> ApiResult {
    let (accounts, caller, id) = (call.state.accounts(), call.caller, call.path);
    let ServicePatch { name, role } = call.body;
    let update = async move {
        let updated = accounts.update_service_account(&caller, id, name, role);
        updated.await
    };
    let account = call.state.run(update).await?;
    Ok(HttpResponse::Ok().json(ShownService::from(account)))
}
