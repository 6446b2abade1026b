use actix_web::HttpResponse;
use runloom_accounts::Secret;
use utoipa::ToSchema;

use super::{TOKEN, password};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Anyone, Body, Call, Fields, origin};

/// A person who has forgotten their password.
#[derive(ToSchema)]
pub(crate) struct ResetBody {
    /// From an owner of their organisation, or from whoever runs the server.
    #[schema(value_type = String, format = Password, example = "rlp_…", min_length = 1, max_length = 256, pattern = r"^[^\x00]*$")]
    token: Secret,
    /// 8 to 256 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256, pattern = r"^[^\x00]*$")]
    new_password: Secret,
}

impl Body for ResetBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            token: fields.text("token", TOKEN).into(),
            new_password: password(fields, "new_password"),
        }
    }
}

/// Chooses a new password by a token for that, which is used up. All sessions end; API keys stay.
#[utoipa::path(
    post,
    path = "/v1/auth/reset",
    tag = "accounts",
    security(),
    request_body = ResetBody,
    responses(
        (status = 204, description = "Changed: sign in with the new password."),
        (status = 422, description = "`auth.reset_invalid`: the token is unknown, used or older \
            than an hour; `validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn reset_password(call: Call<Anyone, (), (), ResetBody>) -> ApiResult {
    let (accounts, body) = (call.state.accounts(), call.body);
    let origin = origin(&call.request);
    call.state
        .run(async move {
            accounts
                .reset_password(&body.token, body.new_password, origin)
                .await
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
