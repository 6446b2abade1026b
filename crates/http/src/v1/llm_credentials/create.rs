use runloom_accounts::Secret;
use runloom_domain::CredentialId;
use runloom_store::{CredentialRecord, CredentialSettings, NewCredential};
use utoipa::ToSchema;

use super::{Credential, NAME, URL, key};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Answer, Body, Call, Fields, RoutesManage, Size};
use crate::state::HttpState;
use crate::v1::params::OnceParams;

/// A credential to be stored.
#[derive(ToSchema)]
pub(crate) struct NewCredentialBody {
    /// The kind of routes that it is for.
    #[schema(example = "openai_chat")]
    provider: String,
    #[schema(max_length = 100, min_length = 1, pattern = r"^[^\x00]*$")]
    name: String,
    /// The provider's key, which is never shown again. Leave it out for providers that ask for
    /// none.
    #[schema(value_type = Option<String>, write_only, min_length = 1, max_length = 4096, pattern = r"^[!-~]+$")]
    api_key: Option<Secret>,
    /// Where the provider is reached: http or https. Needed by kinds that many speak, such as
    /// `openai_chat`.
    #[schema(pattern = "^https?://", min_length = 1, max_length = 2000)]
    base_url: Option<String>,
}

impl Body for NewCredentialBody {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            provider: fields.text("provider", Size::Bytes(1, 64)),
            name: fields.text("name", NAME),
            api_key: key::api_key(fields),
            base_url: fields.optional_text("base_url", URL),
        }
    }
}

/// Stores a credential.
#[utoipa::path(
    post,
    path = "/v1/llm-credentials",
    tag = "configuration",
    params(OnceParams),
    request_body = NewCredentialBody,
    responses(
        (status = 201, description = "Stored.", body = Credential),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_credential(
    call: Call<RoutesManage, (), (), NewCredentialBody>,
) -> ApiResult {
    check(&call.state, &call.body)?;
    let (org, now) = (call.caller.org_id, call.state.now());
    let id = CredentialId::generate(now);
    let key = match &call.body.api_key {
        Some(key) => Some(key::sealed(&call.state, org, id, key).await?),
        None => None,
    };
    let new = NewCredential {
        org_id: org,
        credential_id: id,
        provider: call.body.provider.clone(),
        settings: CredentialSettings {
            name: call.body.name.clone(),
            base_url: call.body.base_url.clone(),
            key,
        },
        created_by: call.caller.user_id,
        created_at: now,
    };
    let shown = Credential::from(CredentialRecord::from(new.clone()));
    let answer = Answer::created(&shown)?;
    // The body holds the key, which must not be guessed from the hash that is kept of it.
    let accounts = call.state.accounts();
    let once = call.once_as(&call.caller.principal, |body| accounts.fingerprint(body))?;
    let once = once.map(|once| once.answered(&answer));
    let store = call.state.store();
    let by = call.by();
    let write = async move { store.create_credential(new, once, by).await };
    let outcome = call.state.configure(org, write).await?;
    answer.settle(outcome, |answer, ()| Ok(answer.respond()))
}

fn check(state: &HttpState, body: &NewCredentialBody) -> Result<(), ApiError> {
    let configuring = state.configuring();
    let Some(provider) = configuring.provider(&body.provider) else {
        let known = configuring.providers.iter().map(|provider| provider.name);
        let known = known.collect::<Vec<_>>().join(", ");
        let problem = format!("must be one of {known}");
        return Err(ApiError::invalid_field("provider", problem));
    };
    match &body.base_url {
        Some(url) => configuring
            .check_url(url)
            .map_err(|problem| ApiError::invalid_field("base_url", problem)),
        None if provider.needs_url => Err(ApiError::invalid_field("base_url", "is missing")),
        None => Ok(()),
    }
}
