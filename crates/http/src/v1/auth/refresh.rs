use runloom_accounts::Secret;
use runloom_domain::OrgId;
use utoipa::ToSchema;

use super::tokens::SessionTokens;
use super::{cookie, in_cookie, refresh_token, tokens};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Anyone, Body, Call, Fields, origin};

/// A session that shall go on.
#[derive(ToSchema)]
pub(crate) struct RefreshBody {
    /// Without it the cookie counts, and gets the next one.
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 256)]
    refresh_token: Option<Secret>,
    /// The organisation to work in from now on, when it shall be another.
    #[schema(value_type = Option<Uuid>)]
    org_id: Option<OrgId>,
    /// Whether the next refresh token is put into the cookie.
    #[schema(value_type = Option<bool>, default = false)]
    cookie: bool,
}

impl Body for RefreshBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            refresh_token: refresh_token(fields),
            org_id: fields.parsed("org_id"),
            cookie: in_cookie(fields),
        }
    }
}

/// Exchanges a refresh token for the next tokens. It works once: used again within 10 s it gets
/// the same answer, and later the session ends, since somebody has a copy.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    tag = "accounts",
    security(),
    request_body = Option<RefreshBody>,
    responses(
        (status = 200, description = "The session goes on.", body = SessionTokens),
        (status = 401, description = "`auth.unauthorized`: sign in again.", body = ErrorEnvelope),
        (status = 403, description = "`auth.no_organisation`, `auth.origin_refused`",
            body = ErrorEnvelope),
        (status = 404, description = "`orgs.not_found`: they aren't in that organisation.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn refresh(call: Call<Anyone, (), (), RefreshBody>) -> ApiResult {
    let (accounts, body) = (call.state.accounts(), call.body);
    let use_cookie = body.cookie || body.refresh_token.is_none();
    if use_cookie {
        cookie::check_origin(&call.request, &call.state)?;
    }
    let token = body.refresh_token.or_else(|| cookie::read(&call.request));
    let token = token.ok_or_else(|| ApiError::unauthorized("a refresh token is needed"))?;
    let origin = origin(&call.request);
    let next = call
        .state
        .run(async move { accounts.refresh(&token, body.org_id, origin).await })
        .await?;
    Ok(tokens::answer(&next, use_cookie))
}
