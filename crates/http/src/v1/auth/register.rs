use actix_web::HttpResponse;
use runloom_accounts::Secret;
use runloom_domain::{OrgId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{NAME, password, uncached};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Anyone, Body, Call, Fields};

/// A person who wants an account.
#[derive(ToSchema)]
pub(crate) struct RegisterBody {
    /// 1 to 64 letters, digits, `.`, `_` or `-`.
    login: String,
    #[schema(format = Email)]
    email: String,
    /// 8 to 256 characters.
    #[schema(value_type = String, format = Password)]
    password: Secret,
}

impl Body for RegisterBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            login: fields.text("login", NAME),
            email: fields.text("email", NAME),
            password: password(fields),
        }
    }
}

/// A new account, signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewAccount {
    #[schema(value_type = Uuid)]
    user_id: UserId,
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    access_token: String,
    /// Always `bearer`.
    token_type: &'static str,
    /// How long the token can be used, in seconds.
    expires_in: u64,
}

/// Registers a person, with an organisation of their own.
#[utoipa::path(
    post,
    path = "/v1/auth/register",
    tag = "accounts",
    security(),
    request_body = RegisterBody,
    responses(
        (status = 201, description = "Registered and signed in.", body = NewAccount),
        (status = 409, description = "`accounts.taken`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn register(call: Call<Anyone, (), (), RegisterBody>) -> ApiResult {
    let (accounts, body) = (call.state.accounts(), call.body);
    let registered = call
        .state
        .run(async move {
            accounts
                .register(&body.login, &body.email, body.password)
                .await
        })
        .await?;
    Ok(uncached(HttpResponse::Created()).json(NewAccount {
        user_id: registered.user_id,
        org_id: registered.org_id,
        access_token: registered.access_token.token.expose().to_owned(),
        token_type: "bearer",
        expires_in: registered.access_token.expires_in.as_secs(),
    }))
}
