use runloom_accounts::{Invitation, InvitationRequest, Invited};
use serde::Serialize;
use utoipa::ToSchema;

use super::ShownInvitation;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Body, Call, Fields, MembersManage, Size};
use crate::v1::orgs::required_role;
use crate::v1::params::OnceParams;
use crate::v1::secret::uncached;

/// The longest e-mail address that is looked at.
const EMAIL: Size = Size::Chars(1, 320);

/// Somebody to be invited.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct NewInvitationBody {
    #[schema(format = Email, example = "grace@example.com")]
    email: String,
    /// `owner`, `admin`, `member` or `viewer`; not above the caller's own role.
    #[schema(example = "member", pattern = "^(owner|admin|member|viewer)$")]
    role: String,
}

impl Body for InvitationRequest {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            email: fields.text("email", EMAIL),
            role: required_role(fields),
        }
    }
}

/// A new invitation with its token, or without it when the answer is a repeat.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewInvitation {
    #[serde(flatten)]
    shown: ShownInvitation,
    /// The token, shown this once; null in a repeated answer.
    #[schema(required, example = "rli_AZqXv…")]
    token: Option<String>,
}

impl NewInvitation {
    fn answer(invitation: Invitation, token: Option<String>) -> Result<Answer, ApiError> {
        let shown = ShownInvitation::from(invitation);
        Answer::created(&Self { shown, token })
    }
}

/// Invites the owner of an e-mail address. Good for 7 days and once, in place of an earlier
/// invitation for the same address. No mail is sent: the token is in this answer and never again.
#[utoipa::path(
    post,
    path = "/v1/invitations",
    tag = "organisations",
    params(OnceParams),
    request_body = NewInvitationBody,
    responses(
        (status = 201, description = "Invited.", body = NewInvitation),
        (status = 403, description = "`auth.forbidden`, `members.role_above_own`",
            body = ErrorEnvelope),
        (status = 409, description = "`members.already_member`, `idempotency.key_reused`, \
            `idempotency.in_progress`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_invitation(
    call: Call<MembersManage, (), (), InvitationRequest>,
) -> ApiResult {
    let once = call.once()?;
    let (accounts, caller, request) = (call.state.accounts(), call.caller, call.body);
    // What is kept for repeats is made without the token.
    let kept = |invitation: &Invitation| {
        let answer = NewInvitation::answer(invitation.clone(), None).ok()?;
        once.map(|once| once.answered(&answer))
    };
    let outcome = call
        .state
        .run(async move { accounts.invite(&caller, request, kept).await })
        .await?;
    let response = Answer::of(outcome, |Invited { invitation, token }| {
        NewInvitation::answer(invitation, Some(token.expose().to_owned()))
    })?;
    Ok(uncached(response))
}
