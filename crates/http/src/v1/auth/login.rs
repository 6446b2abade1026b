use runloom_accounts::{Login, Secret};
use runloom_domain::OrgId;
use utoipa::ToSchema;

use super::tokens::SessionTokens;
use super::{NAME, cookie, in_cookie, password, tokens};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Anyone, Body, Call, Fields, client_address};

/// A person who wants to sign in.
#[derive(ToSchema)]
pub(crate) struct LoginBody {
    /// Name or e-mail address.
    #[schema(example = "ada", min_length = 1, max_length = 320)]
    login: String,
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 1024)]
    password: Secret,
    /// The organisation to work in, by default that of their newest session, else the one that
    /// they joined first.
    #[schema(value_type = Option<Uuid>)]
    org_id: Option<OrgId>,
    /// Whether the refresh token is put into a cookie that scripts can't read.
    #[schema(value_type = Option<bool>, default = false)]
    cookie: bool,
}

impl Body for LoginBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            login: fields.text("login", NAME),
            password: password(fields, "password"),
            org_id: fields.parsed("org_id"),
            cookie: in_cookie(fields),
        }
    }
}

/// Signs a person in: a session begins.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    tag = "accounts",
    security(),
    request_body = LoginBody,
    responses(
        (status = 200, description = "Signed in.", body = SessionTokens),
        (status = 401, description = "`auth.bad_credentials`", body = ErrorEnvelope),
        (status = 403, description = "`auth.no_organisation`: they have left all; \
            `auth.origin_refused`", body = ErrorEnvelope),
        (status = 404, description = "`orgs.not_found`: they aren't in that organisation.",
            body = ErrorEnvelope),
        (status = 429, description = "`auth.too_many_attempts`: after `Retry-After` seconds.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn login(call: Call<Anyone, (), (), LoginBody>) -> ApiResult {
    let (accounts, body) = (call.state.accounts(), call.body);
    if body.cookie {
        cookie::check_origin(&call.request, &call.state)?;
    }
    let login = Login {
        name: body.login,
        password: body.password,
        org_id: body.org_id,
        from: client_address(&call.request),
        trace_id: Some(call.trace_id),
    };
    let signed_in = call
        .state
        .run(async move { accounts.login(login).await })
        .await?;
    Ok(tokens::answer(&signed_in, body.cookie))
}
