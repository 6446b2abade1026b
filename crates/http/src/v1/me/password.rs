use actix_web::HttpResponse;
use runloom_accounts::Secret;
use utoipa::ToSchema;

use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, Person, client_address};
use crate::v1::auth::password;

/// A change of password.
#[derive(ToSchema)]
pub(crate) struct PasswordBody {
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024, pattern = r"^[^\x00]*$")]
    current_password: Secret,
    /// 8 to 256 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256, pattern = r"^[^\x00]*$")]
    new_password: Secret,
}

impl Body for PasswordBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            current_password: password(fields, "current_password"),
            new_password: password(fields, "new_password"),
        }
    }
}

/// Changes the caller's password. Their other sessions end; API keys stay.
#[utoipa::path(
    post,
    path = "/v1/me/password",
    tag = "accounts",
    request_body = PasswordBody,
    responses(
        (status = 204, description = "Changed."),
        (status = 403, description = "`auth.wrong_password`, `auth.person_needed`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = 429, description = "`auth.too_many_attempts`: after `Retry-After` seconds.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn change_password(call: Call<Person, (), (), PasswordBody>) -> ApiResult {
    let (accounts, caller, body) = (call.state.accounts(), call.caller, call.body);
    let from = client_address(&call.request);
    call.state
        .run(async move {
            let (current, new) = (body.current_password, body.new_password);
            accounts.change_password(&caller, current, new, from).await
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
