use runloom_store::JoinedOrg;
use utoipa::ToSchema;

use super::{NAME, OwnOrg};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Body, Call, Fields, Person};
use crate::v1::params::OnceParams;

/// An organisation to be made.
#[derive(ToSchema)]
pub(crate) struct NewOrgBody {
    #[schema(
        example = "Acme",
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
}

impl Body for NewOrgBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            name: fields.text("name", NAME),
        }
    }
}

/// Makes an organisation, whose owner the caller becomes. Only people who have signed in may.
#[utoipa::path(
    post,
    path = "/v1/orgs",
    tag = "organisations",
    params(OnceParams),
    request_body = NewOrgBody,
    responses(
        (status = 201, description = "Made.", body = OwnOrg),
        (status = 403, description = "`auth.person_needed`", body = ErrorEnvelope),
        (status = 409, description = "`idempotency.key_reused`, `idempotency.in_progress`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_org(call: Call<Person, (), (), NewOrgBody>) -> ApiResult {
    let once = call.once()?;
    let (accounts, caller, name) = (call.state.accounts(), call.caller, call.body.name);
    let answer = |joined: &JoinedOrg| Answer::created(&OwnOrg::from(joined.clone()));
    let kept = move |joined: &JoinedOrg| Some(once?.answered(&answer(joined).ok()?));
    let outcome = call
        .state
        .run(async move { accounts.create_org(&caller, name, kept).await })
        .await?;
    Answer::of(outcome, |joined| answer(&joined))
}
