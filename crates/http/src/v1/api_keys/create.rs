use runloom_accounts::{AccountError, ApiKey, ApiKeyRequest, OrgRefusal};
use runloom_domain::{Timestamp, UserId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ShownKey;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Body, Call, Fields, KeysManage, Size};
use crate::v1::params::OnceParams;
use crate::v1::secret::uncached;

/// An API key to be made.
#[derive(ToSchema)]
pub(crate) struct NewKeyBody {
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// Names of permissions, such as `runs.read`; without any the key can do nothing.
    scopes: Option<Vec<String>>,
    /// When it stops working; never when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// A service account that it is for; the caller when absent.
    #[schema(value_type = Option<Uuid>)]
    user_id: Option<UserId>,
}

impl Body for NewKeyBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            name: fields.text("name", Size::Chars(1, 100)),
            scopes: fields.read("scopes", |value| {
                let Value::Array(items) = value else {
                    return Err("must be an array of strings".to_owned());
                };
                let names = items.into_iter().map(|item| match item {
                    Value::String(name) => Ok(name),
                    _ => Err("must be an array of strings".to_owned()),
                });
                names.collect()
            }),
            expires_at: fields.parsed("expires_at"),
            user_id: fields.parsed("user_id"),
        }
    }
}

/// A new API key with its secret, or without it when the answer is a repeat.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewKey {
    #[serde(flatten)]
    shown: ShownKey,
    /// The key itself, shown this once; null in a repeated answer.
    #[schema(required, example = "rl_3fG7kQ2x_…")]
    key: Option<String>,
}

impl NewKey {
    fn answer(key: ApiKey, secret: Option<String>) -> Result<Answer, ApiError> {
        let shown = ShownKey::from(key);
        Answer::created(&Self { shown, key: secret })
    }
}

/// Makes an API key for the caller, or for a service account. The key is shown in this answer and never again.
#[utoipa::path(
    post,
    path = "/v1/api-keys",
    tag = "accounts",
    params(OnceParams),
    request_body = NewKeyBody,
    responses(
        (status = 201, description = "Made.", body = NewKey),
        (status = 403, description = "`auth.forbidden`: a scope that the caller doesn't have, or \
            no `members.manage` for a service account; `members.role_above_own`",
            body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, `service_accounts.not_found`",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_api_key(call: Call<KeysManage, (), (), NewKeyBody>) -> ApiResult {
    let once = call.once()?;
    let (accounts, caller) = (call.state.accounts(), call.caller);
    let request = ApiKeyRequest {
        name: call.body.name,
        scopes: call.body.scopes.unwrap_or_default(),
        expires_at: call.body.expires_at,
        user_id: call.body.user_id,
    };
    // What is kept for repeats is made without the secret.
    let kept = |key: &ApiKey| {
        let answer = NewKey::answer(key.clone(), None).ok()?;
        once.map(|once| once.answered(&answer))
    };
    let outcome = call
        .state
        .run(async move {
            let created = accounts.create_api_key(&caller, request, kept).await;
            created.map_err(refused)
        })
        .await?;
    let response = Answer::of(outcome, |created| {
        let secret = created.secret.expose().to_owned();
        NewKey::answer(created.key, Some(secret))
    })?;
    Ok(uncached(response))
}

/// A service account that a body names is no part of the path.
fn refused(error: AccountError) -> ApiError {
    match error {
        AccountError::Refused(OrgRefusal::NoService) => ApiError::unprocessable(
            "service_accounts.not_found",
            "there is no such service account",
        ),
        error => error.into(),
    }
}
