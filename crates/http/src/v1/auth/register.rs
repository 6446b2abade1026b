use runloom_accounts::{Accounts, Registered, Secret};
use runloom_domain::{OrgId, UserId};
use runloom_store::Once;
use serde::Serialize;
use utoipa::ToSchema;

use super::{NAME, password, uncached};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Anyone, Body, Call, Fields, OnceKey};
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
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
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
    /// Null in a repeated answer: sign in for another one.
    #[schema(required)]
    access_token: Option<String>,
    /// Always `bearer`.
    token_type: &'static str,
    /// How long the token can be used, in seconds.
    expires_in: u64,
}

impl NewAccount {
    fn answer(new: &Registered, token: Option<String>) -> Result<Answer, ApiError> {
        Answer::created(&Self {
            user_id: new.user_id,
            org_id: new.org_id,
            access_token: token,
            token_type: "bearer",
            expires_in: new.access_token.expires_in.as_secs(),
        })
    }
}

/// Registers a person, with an organisation of their own.
#[utoipa::path(
    post,
    path = "/v1/auth/register",
    tag = "accounts",
    security(),
    params(OnceParams),
    request_body = RegisterBody,
    responses(
        (status = 201, description = "Registered and signed in.", body = NewAccount),
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
    // What is kept for repeats is made without the token.
    let kept = |new: &Registered| {
        let answer = NewAccount::answer(new, None).ok()?;
        once.map(|once| once.answered(&answer))
    };
    let outcome = call
        .state
        .run(async move {
            accounts
                .register(&body.login, &body.email, body.password, kept)
                .await
        })
        .await?;
    let response = match outcome {
        Once::Done(new) => {
            let token = new.access_token.token.expose().to_owned();
            NewAccount::answer(&new, Some(token))?.respond()
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
