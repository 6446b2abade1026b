use actix_web::HttpResponse;
use runloom_accounts::{ProfileChange, Secret};
use utoipa::ToSchema;

use super::get::Me;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, Person, client_address};
use crate::v1::auth::{NAME, password};

/// A change of how the caller logs in. What is absent stays.
#[derive(ToSchema)]
pub(crate) struct MePatch {
    /// 1 to 64 letters, digits, `.`, `_` or `-`.
    #[schema(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    login: Option<String>,
    #[schema(format = Email)]
    email: Option<String>,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    current_password: Secret,
}

impl Body for MePatch {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            login: fields.optional_text("login", NAME),
            email: fields.optional_text("email", NAME),
            current_password: password(fields, "current_password"),
        }
    }
}

/// Changes by which names the caller logs in.
#[utoipa::path(
    patch,
    path = "/v1/me",
    tag = "accounts",
    request_body = MePatch,
    responses(
        (status = 200, description = "Changed.", body = Me),
        (status = 403, description = "`auth.wrong_password`, `auth.person_needed`",
            body = ErrorEnvelope),
        (status = 409, description = "`accounts.taken`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = 429, description = "`auth.too_many_attempts`: after `Retry-After` seconds.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_me(call: Call<Person, (), (), MePatch>) -> ApiResult {
    let (accounts, caller, body) = (call.state.accounts(), call.caller, call.body);
    let from = client_address(&call.request);
    let change = ProfileChange {
        login: body.login,
        email: body.email,
        current_password: body.current_password,
    };
    let me = call
        .state
        .run(async move { accounts.change_profile(&caller, change, from).await })
        .await?;
    Ok(HttpResponse::Ok().json(Me::from(me)))
}
