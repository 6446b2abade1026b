use actix_web::HttpResponse;
use actix_web::http::header;
use runloom_accounts::{Caller, Secret};
use utoipa::ToSchema;

use super::{cookie, refresh_token};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Anyone, Body, Call, Fields, bearer, origin};

/// What shall end.
#[derive(ToSchema)]
pub(crate) struct LogoutBody {
    /// Names the session. Without it the `Authorization` header does, and without that the cookie.
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 256)]
    refresh_token: Option<Secret>,
    /// Whether all of the person's sessions end.
    #[schema(value_type = Option<bool>, default = false)]
    everywhere: bool,
}

impl Body for LogoutBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            refresh_token: refresh_token(fields),
            everywhere: fields.flag("everywhere").unwrap_or_default(),
        }
    }
}

/// What names the session that ends.
enum By {
    Token(Secret),
    Caller(Box<Caller>),
}

/// Signs the person out. Access tokens stop working within 2 s, and streams opened with them end
/// within 60 s. API keys stay.
#[utoipa::path(
    post,
    path = "/v1/auth/logout",
    tag = "accounts",
    security(("bearer" = []), ()),
    request_body = Option<LogoutBody>,
    responses(
        (status = 204, description = "Signed out; also when they were already."),
        (status = 401, description = "`auth.unauthorized`", body = ErrorEnvelope),
        (status = 403, description = "`auth.person_needed`: an API key has no session; \
            `auth.origin_refused`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn logout(call: Call<Anyone, (), (), LogoutBody>) -> ApiResult {
    let (accounts, everywhere) = (call.state.accounts(), call.body.everywhere);
    let by = named(&call).await?;
    let origin = origin(&call.request);
    call.state
        .run(async move {
            match by {
                By::Token(token) => accounts.sign_out_by(&token, everywhere, origin).await,
                By::Caller(caller) => accounts.sign_out(&caller, everywhere).await,
            }
        })
        .await?;
    let mut response = HttpResponse::NoContent().finish();
    if cookie::read(&call.request).is_some() {
        cookie::clear(&mut response);
    }
    Ok(response)
}

async fn named(call: &Call<Anyone, (), (), LogoutBody>) -> Result<By, ApiError> {
    if let Some(token) = &call.body.refresh_token {
        return Ok(By::Token(token.clone()));
    }
    let headers = call.request.headers();
    let in_cookie = cookie::read(&call.request);
    match in_cookie {
        Some(token) if !headers.contains_key(header::AUTHORIZATION) => {
            cookie::check_origin(&call.request, &call.state)?;
            Ok(By::Token(token))
        }
        _ => {
            let caller = bearer(&call.request, &call.state).await?;
            Ok(By::Caller(Box::new(caller)))
        }
    }
}
