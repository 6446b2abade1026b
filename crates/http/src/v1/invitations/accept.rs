use runloom_accounts::{Accepted, Secret};
use runloom_domain::OrgId;
use serde::Serialize;
use utoipa::ToSchema;

use super::TOKEN;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Body, Call, Fields, Person};
use crate::v1::params::OnceParams;

/// An invitation's token.
#[derive(ToSchema)]
pub(crate) struct AcceptBody {
    #[schema(value_type = String, example = "rli_AZqXv…", min_length = 1, max_length = 256)]
    token: Secret,
}

impl Body for AcceptBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            token: fields.text("token", TOKEN).into(),
        }
    }
}

/// Where the caller belongs now.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedInvitation {
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    /// `owner`, `admin`, `member` or `viewer`
    #[schema(example = "member")]
    role: &'static str,
}

impl AcceptedInvitation {
    fn answer(accepted: Accepted) -> Result<Answer, crate::error::ApiError> {
        Answer::created(&Self {
            org_id: accepted.org_id,
            role: accepted.role.as_str(),
        })
    }
}

/// Makes the caller a member of the organisation that invites their e-mail address. Only people
/// who have signed in may. A token that is wrong, used up, expired, taken back or for somebody
/// else is answered alike.
#[utoipa::path(
    post,
    path = "/v1/invitations:accept",
    tag = "organisations",
    params(OnceParams),
    request_body = AcceptBody,
    responses(
        (status = 201, description = "Joined.", body = AcceptedInvitation),
        (status = 403, description = "`auth.person_needed`", body = ErrorEnvelope),
        (status = 404, description = "`invitations.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`members.already_member`, `idempotency.key_reused`, \
            `idempotency.in_progress`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn accept_invitation(call: Call<Person, (), (), AcceptBody>) -> ApiResult {
    let once = call.once()?;
    let (accounts, caller, token) = (call.state.accounts(), call.caller, call.body.token);
    let kept = move |accepted: &Accepted| {
        let answer = AcceptedInvitation::answer(*accepted).ok()?;
        once.map(|once| once.answered(&answer))
    };
    let outcome = call
        .state
        .run(async move { accounts.accept_invitation(&caller, &token, kept).await })
        .await?;
    Answer::of(outcome, AcceptedInvitation::answer)
}
