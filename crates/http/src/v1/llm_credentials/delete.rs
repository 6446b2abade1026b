use actix_web::HttpResponse;
use runloom_domain::CredentialId;
use runloom_store::DeleteConfig;
use serde_json::json;

use super::not_found;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, RoutesManage};
use crate::precondition::{IfMatch, failed};
use crate::v1::params::IfMatchParams;

/// Deletes a credential with its secret, unless a route or a run that has not ended needs it.
#[utoipa::path(
    delete,
    path = "/v1/llm-credentials/{credential_id}",
    tag = "configuration",
    params(("credential_id" = Uuid, Path), IfMatchParams),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "`credentials.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`credentials.in_use`: `details` counts the `routes` that \
            refer to it and the `runs` that began with it and have not ended.",
            body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_credential(call: Call<RoutesManage, CredentialId>) -> ApiResult {
    let (store, org, id) = (call.state.store(), call.caller.org_id, call.path);
    let expected = IfMatch::of(&call.request).version();
    let by = call.by();
    let write = async move { store.delete_credential(org, id, expected, by).await };
    match call.state.configure(org, write).await? {
        DeleteConfig::Deleted => Ok(HttpResponse::NoContent().finish()),
        DeleteConfig::Absent => Err(not_found()),
        DeleteConfig::Stale => Err(failed()),
        DeleteConfig::InUse { routes, runs } => Err(ApiError::conflict(
            "credentials.in_use",
            "routes or runs need the credential",
        )
        .details(json!({ "routes": routes, "runs": runs }))),
    }
}
