use runloom_accounts::{ServiceAccount, ServiceAccountRequest};
use utoipa::ToSchema;

use super::ShownService;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Body, Call, Fields, MembersManage};
use crate::v1::orgs::{NAME, required_role};
use crate::v1::params::OnceParams;

/// A service account to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct NewServiceAccountBody {
    #[schema(
        example = "nightly-reports",
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// `owner`, `admin`, `member` or `viewer`; not above the caller's own role.
    #[schema(example = "member", pattern = "^(owner|admin|member|viewer)$")]
    role: String,
}

impl Body for ServiceAccountRequest {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            name: fields.text("name", NAME),
            role: required_role(fields),
        }
    }
}

/// Makes a service account. It can do nothing before an API key is made for it.
#[utoipa::path(
    post,
    path = "/v1/service-accounts",
    tag = "organisations",
    params(OnceParams),
    request_body = NewServiceAccountBody,
    responses(
        (status = 201, description = "Made.", body = ShownService),
        (status = 403, description = "`auth.forbidden`, `members.role_above_own`",
            body = ErrorEnvelope),
        (status = 409, description = "`idempotency.key_reused`, `idempotency.in_progress`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_service_account(
    call: Call<MembersManage, (), (), ServiceAccountRequest>,
) -> ApiResult {
    let once = call.once()?;
    let (accounts, caller, request) = (call.state.accounts(), call.caller, call.body);
    let kept = move |account: &ServiceAccount| Some(once?.answered(&made(account.clone()).ok()?));
    let outcome = call
        .state
        .run(async move {
            accounts
                .create_service_account(&caller, request, kept)
                .await
        })
        .await?;
    Answer::of(outcome, made)
}

fn made(account: ServiceAccount) -> Result<Answer, ApiError> {
    Answer::created(&ShownService::from(account))
}
