use runloom_domain::CredentialId;

use super::{Credential, not_found};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, RoutesManage};
use crate::precondition::tagged;

/// A credential.
#[utoipa::path(
    get,
    path = "/v1/llm-credentials/{credential_id}",
    tag = "configuration",
    params(("credential_id" = Uuid, Path)),
    responses(
        (status = 200, description = "The credential.", body = Credential,
            headers(("ETag" = String))),
        (status = 404, description = "`credentials.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_credential(call: Call<RoutesManage, CredentialId>) -> ApiResult {
    let store = call.state.store();
    let found = call
        .state
        .read(store.credential(call.caller.org_id, call.path))
        .await?;
    let record = found.ok_or_else(not_found)?;
    Ok(tagged(record.version, &Credential::from(record)))
}
