use actix_web::HttpResponse;
use runloom_accounts::Tokens;
use serde::Serialize;
use utoipa::ToSchema;

use super::{cookie, uncached};

/// What a session is used with.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionTokens {
    /// For the `Authorization` header.
    access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    token_type: &'static str,
    /// How long the access token can be used, in seconds.
    #[schema(example = 900)]
    expires_in: u64,
    /// Gets the next tokens, once. Null when it is in the cookie.
    #[schema(required, example = "rlr_…")]
    refresh_token: Option<String>,
    /// How long the refresh token can be used, in seconds.
    #[schema(example = 2_592_000)]
    refresh_expires_in: u64,
}

/// Answers with tokens, the refresh token in the body or in the cookie.
pub(super) fn answer(tokens: &Tokens, in_cookie: bool) -> HttpResponse {
    let refresh = tokens.refresh.expose().to_owned();
    let mut response = HttpResponse::Ok().json(SessionTokens {
        access_token: tokens.access.token.expose().to_owned(),
        token_type: "bearer",
        expires_in: tokens.access.expires_in.as_secs(),
        refresh_token: (!in_cookie).then_some(refresh),
        refresh_expires_in: tokens.refresh_expires_in.as_secs(),
    });
    if in_cookie {
        cookie::set(&mut response, &tokens.refresh, tokens.refresh_expires_in);
    }
    uncached(response)
}
