use actix_web::HttpResponse;
use runloom_store::DeletePersona;

use super::not_own;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, PersonaKey, PersonasManage};
use crate::precondition::{IfMatch, failed};
use crate::v1::params::IfMatchParams;

/// Deletes a persona with all its versions. Runs that have begun go on, and the names of its
/// versions are never used again.
#[utoipa::path(
    delete,
    path = "/v1/personas/{persona_key}",
    tag = "configuration",
    params(("persona_key" = String, Path, pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"), IfMatchParams),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "`personas.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`personas.platform`", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_persona(call: Call<PersonasManage, PersonaKey>) -> ApiResult {
    let (state, org, key) = (&call.state, call.caller.org_id, &call.path.0);
    let expected = IfMatch::of(&call.request).version();
    let (store, now, wanted) = (state.store(), state.now(), key.clone());
    let by = call.by();
    let write = async move { store.delete_persona(org, &wanted, expected, now, by).await };
    match state.configure(org, write).await? {
        DeletePersona::Deleted => Ok(HttpResponse::NoContent().finish()),
        DeletePersona::Stale => Err(failed()),
        DeletePersona::Absent => Err(not_own(state, key)),
    }
}
