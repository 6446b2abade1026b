use runloom_accounts::{Accounts, Registered, Secret, Tokens};
use runloom_domain::{OrgId, UserId};
use runloom_store::Once;
use serde::Serialize;
use utoipa::ToSchema;

use super::{NAME, cookie, in_cookie, password, uncached};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Anyone, Body, Call, Fields, OnceKey, origin};
use crate::v1::invitations::TOKEN;
use crate::v1::params::OnceParams;

/// A person who wants an account.
#[derive(ToSchema)]
pub(crate) struct RegisterBody {
    /// 1 to 64 letters, digits, `.`, `_` or `-`.
    #[schema(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    login: String,
    #[schema(format = Email)]
    email: String,
    /// 8 to 256 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256, pattern = r"^[^\x00]*$")]
    password: Secret,
    /// Whether the refresh token is put into a cookie that scripts can't read.
    #[schema(value_type = Option<bool>, default = false)]
    cookie: bool,
    /// The token of an invitation for this e-mail address: the person joins the organisation
    /// that invites them and gets none of their own.
    #[schema(value_type = Option<String>, example = "rli_AZqXv…")]
    invitation: Option<Secret>,
}

impl Body for RegisterBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            login: fields.text("login", NAME),
            email: fields.text("email", NAME),
            password: password(fields, "password"),
            cookie: in_cookie(fields),
            invitation: fields.optional_text("invitation", TOKEN).map(Secret::from),
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
    /// Null in a repeated answer: sign in for another one.
    #[schema(required)]
    access_token: Option<String>,
    /// Always `bearer`.
    token_type: &'static str,
    /// How long the access token can be used, in seconds.
    expires_in: u64,
    /// Gets the next tokens, once. Null in a repeated answer, and when it is in the cookie.
    #[schema(required)]
    refresh_token: Option<String>,
    /// How long the refresh token can be used, in seconds.
    refresh_expires_in: u64,
}

impl NewAccount {
    /// With both tokens, the access token alone, or none of them.
    fn answer(
        new: &Registered,
        access: Option<&Secret>,
        refresh: Option<&Secret>,
    ) -> Result<Answer, ApiError> {
        let shown = |token: Option<&Secret>| token.map(|token| token.expose().to_owned());
        Answer::created(&Self {
            user_id: new.user_id,
            org_id: new.org_id,
            access_token: shown(access),
            token_type: "bearer",
            expires_in: new.tokens.access.expires_in.as_secs(),
            refresh_token: shown(refresh),
            refresh_expires_in: new.tokens.refresh_expires_in.as_secs(),
        })
    }
}

/// Registers a person, with an organisation of their own or as a member of the one that invites
/// them.
#[utoipa::path(
    post,
    path = "/v1/auth/register",
    tag = "accounts",
    security(),
    params(OnceParams),
    request_body = RegisterBody,
    responses(
        (status = 201, description = "Registered and signed in.", body = NewAccount),
        (status = 403, description = "`auth.registration_closed`, `auth.invitation_needed`, \
            `auth.origin_refused`", body = ErrorEnvelope),
        (status = 404, description = "`invitations.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`accounts.taken`, `idempotency.key_reused`, \
            `idempotency.in_progress`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn register(call: Call<Anyone, (), (), RegisterBody>) -> ApiResult {
    let accounts = call.state.accounts();
    let once = once(&call, &accounts)?;
    let body = call.body;
    let in_cookie = body.cookie;
    let origin = origin(&call.request);
    if in_cookie {
        cookie::check_origin(&call.request, &call.state)?;
    }
    // What is kept for repeats is made without the tokens.
    let kept = |new: &Registered| {
        let answer = NewAccount::answer(new, None, None).ok()?;
        once.map(|once| once.answered(&answer))
    };
    let outcome = call
        .state
        .run(async move {
            let RegisterBody {
                login,
                email,
                password,
                invitation,
                ..
            } = body;
            if let Some(token) = invitation {
                let joined =
                    accounts.register_invited(&login, &email, password, &token, origin, kept);
                joined.await
            } else {
                let made = accounts.register(&login, &email, password, origin, kept);
                made.await
            }
        })
        .await?;
    let response = match outcome {
        Once::Done(new) => {
            let Tokens {
                access, refresh, ..
            } = &new.tokens;
            let shown = (!in_cookie).then_some(refresh);
            let answer = NewAccount::answer(&new, Some(&access.token), shown)?;
            let mut response = answer.respond();
            if in_cookie {
                cookie::set(&mut response, refresh, new.tokens.refresh_expires_in);
            }
            response
        }
        Once::Replayed(answer) => Answer::stored(answer).respond(),
        Once::Conflict(conflict) => return Err(conflict.into()),
    };
    Ok(uncached(response))
}

/// The request's key. Nobody has signed in, so it belongs to whoever wants this login: people
/// who don't know of each other may choose the same key.
fn once(
    call: &Call<Anyone, (), (), RegisterBody>,
    accounts: &Accounts,
) -> Result<Option<OnceKey>, ApiError> {
    let principal = format!("login:{}", call.body.login.to_lowercase());
    call.once_as(&principal, |body| accounts.fingerprint(body))
}
