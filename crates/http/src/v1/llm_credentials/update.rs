use runloom_accounts::Secret;
use runloom_domain::CredentialId;
use runloom_store::{CredentialRecord, CredentialSettings, StoredKey, Update};
use utoipa::ToSchema;

use super::{Credential, NAME, URL, key, not_found};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Body, Call, Fields, RoutesManage};
use crate::precondition::{IfMatch, TRIES, contended, tagged};
use crate::state::HttpState;
use crate::v1::params::IfMatchParams;

/// What to change of a credential: an absent field stays, null removes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only")]
pub(crate) struct CredentialPatchBody {
    #[schema(
        max_length = 100,
        min_length = 1,
        pattern = r"^[^\x00]*$",
        nullable = false
    )]
    name: Option<String>,
    /// Needed again when `base_url` changes, so that a key only goes where whoever knows it
    /// sends it.
    #[schema(write_only, min_length = 1, max_length = 4096, pattern = r"^[!-~]+$")]
    api_key: Option<String>,
    #[schema(pattern = "^https?://", min_length = 1, max_length = 2000)]
    base_url: Option<String>,
}

/// What to change of a credential.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether to change, the inner one is the value"
)]
pub(crate) struct CredentialPatch {
    name: Option<String>,
    api_key: Option<Option<Secret>>,
    base_url: Option<Option<String>>,
}

impl Body for CredentialPatch {
    fn from_fields(fields: &mut Fields) -> Self {
        Self {
            name: fields.has("name").then(|| fields.text("name", NAME)),
            api_key: fields.has("api_key").then(|| key::api_key(fields)),
            base_url: fields
                .has("base_url")
                .then(|| fields.optional_text("base_url", URL)),
        }
    }
}

impl CredentialPatch {
    /// The credential as it is to be; `key` is the new one, if there is one.
    fn applied(
        &self,
        state: &HttpState,
        record: &CredentialRecord,
        key: Option<&StoredKey>,
    ) -> Result<CredentialSettings, ApiError> {
        let before = &record.settings;
        let base_url = self.base_url.as_ref().unwrap_or(&before.base_url);
        if *base_url != before.base_url {
            self.check_url(state, record, base_url.as_deref())?;
        }
        Ok(CredentialSettings {
            name: self.name.as_ref().unwrap_or(&before.name).clone(),
            base_url: base_url.clone(),
            key: match self.api_key {
                Some(_) => key.cloned(),
                None => before.key.clone(),
            },
        })
    }

    fn check_url(
        &self,
        state: &HttpState,
        record: &CredentialRecord,
        url: Option<&str>,
    ) -> Result<(), ApiError> {
        let configuring = state.configuring();
        let provider = configuring.provider(&record.provider);
        match url {
            Some(url) => configuring
                .check_url(url)
                .map_err(|problem| ApiError::invalid_field("base_url", problem))?,
            None if provider.is_some_and(|provider| provider.needs_url) => {
                return Err(ApiError::invalid_field("base_url", "can't be removed"));
            }
            None => {}
        }
        if self.api_key.is_none() && record.settings.key.is_some() {
            let problem = "must be given again when base_url changes";
            return Err(ApiError::invalid_field("api_key", problem));
        }
        Ok(())
    }
}

/// Changes a credential. Runs that have begun use it as it is then.
#[utoipa::path(
    patch,
    path = "/v1/llm-credentials/{credential_id}",
    tag = "configuration",
    params(("credential_id" = Uuid, Path), IfMatchParams),
    request_body = CredentialPatchBody,
    responses(
        (status = 200, description = "The credential as it is now.", body = Credential,
            headers(("ETag" = String))),
        (status = 404, description = "`credentials.not_found`", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_credential(
    call: Call<RoutesManage, CredentialId, (), CredentialPatch>,
) -> ApiResult {
    let (state, org, id) = (&call.state, call.caller.org_id, call.path);
    let if_match = IfMatch::of(&call.request);
    let mut key = None;
    for _ in 0..TRIES {
        let store = state.store();
        let found = state.read(store.credential(org, id)).await?;
        let found = found.ok_or_else(not_found)?;
        if_match.check(found.version)?;
        if let (None, Some(Some(new))) = (&key, &call.body.api_key) {
            key = Some(key::sealed(state, org, id, new).await?);
        }
        let settings = call.body.applied(state, &found, key.as_ref())?;
        let (expected, now) = (found.version, state.now());
        let by = call.by();
        let write = async move {
            let updated = store.update_credential(org, id, expected, settings, now, by);
            updated.await
        };
        match state.configure(org, write).await? {
            Update::Done(record) => return Ok(tagged(record.version, &Credential::from(record))),
            Update::Absent => return Err(not_found()),
            Update::Stale => {}
        }
    }
    Err(contended())
}
