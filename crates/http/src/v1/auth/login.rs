use actix_web::HttpResponse;
use runloom_accounts::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use super::{NAME, password, uncached};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Anyone, Body, Call, Fields};

/// A person who wants to sign in.
#[derive(ToSchema)]
pub(crate) struct LoginBody {
    /// Name or e-mail address.
    #[schema(min_length = 1, max_length = 320)]
    login: String,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    password: Secret,
}

impl Body for LoginBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            login: fields.text("login", NAME),
            password: password(fields),
        }
    }
}

/// A token for the `Authorization` header.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedInToken {
    access_token: String,
    /// Always `bearer`.
    token_type: &'static str,
    /// How long the token can be used, in seconds.
    expires_in: u64,
}

/// Signs a person in.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    tag = "accounts",
    security(),
    request_body = LoginBody,
    responses(
        (status = 200, description = "Signed in.", body = SignedInToken),
        (status = 401, description = "`auth.bad_credentials`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn login(call: Call<Anyone, (), (), LoginBody>) -> ApiResult {
    let (accounts, body) = (call.state.accounts(), call.body);
    let token = call
        .state
        .run(async move { accounts.login(&body.login, body.password).await })
        .await?;
    Ok(uncached(HttpResponse::Ok().json(SignedInToken {
        access_token: token.token.expose().to_owned(),
        token_type: "bearer",
        expires_in: token.expires_in.as_secs(),
    })))
}
