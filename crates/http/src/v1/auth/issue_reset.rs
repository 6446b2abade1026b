use runloom_domain::{Timestamp, UserId};
use runloom_store::Once;
use serde::Serialize;
use utoipa::ToSchema;

use super::uncached;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Call, Empty, ResetsIssue};
use crate::v1::params::OnceParams;

/// A token to reset a member's password.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewReset {
    /// To be handed to the person, for `POST /v1/auth/reset`. Shown this once; null in a repeated
    /// answer.
    #[schema(required, example = "rlp_…")]
    token: Option<String>,
    /// When it stops working: in an hour.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl NewReset {
    fn answer(expires_at: Timestamp, token: Option<String>) -> Result<Answer, ApiError> {
        Answer::created(&Self { token, expires_at })
    }
}

/// Issues a token by which a member who has forgotten their password chooses a new one. Earlier
/// ones stop working. For owners, and for members of no other organisation.
#[utoipa::path(
    post,
    path = "/v1/members/{user_id}:reset-password",
    tag = "accounts",
    params(("user_id" = Uuid, Path), OnceParams),
    responses(
        (status = 201, description = "Issued.", body = NewReset),
        (status = 403, description = "`auth.forbidden`", body = ErrorEnvelope),
        (status = 404, description = "`members.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`members.elsewhere_too`: they are in another organisation \
            too; whoever runs the server can reset the password. `idempotency.key_reused`, \
            `idempotency.in_progress`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn issue_reset(call: Call<ResetsIssue, UserId, (), Empty>) -> ApiResult {
    let once = call.once()?;
    let (accounts, caller, user) = (call.state.accounts(), call.caller, call.path);
    // What is kept for repeats is made without the token.
    let kept = |expires_at| {
        let answer = NewReset::answer(expires_at, None).ok()?;
        once.map(|once| once.answered(&answer))
    };
    let outcome = call
        .state
        .run(async move { accounts.issue_reset(&caller, user, kept).await })
        .await?;
    let response = match outcome {
        Once::Done(reset) => {
            let token = reset.token.expose().to_owned();
            NewReset::answer(reset.expires_at, Some(token))?.respond()
        }
        Once::Replayed(answer) => Answer::stored(answer).respond(),
        Once::Conflict(conflict) => return Err(conflict.into()),
    };
    Ok(uncached(response))
}
