use runloom_store::PersonaTarget;

use super::ShownPersona;
use super::body::{PersonaVersionBody, Said};
use super::write::write;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, PersonaKey, PersonasManage};
use crate::precondition::IfMatch;
use crate::v1::params::{IfMatchParams, OnceParams};

/// Changes a persona by making a version that is the newest from then on. Runs that have begun
/// go on as they are.
#[utoipa::path(
    post,
    path = "/v1/personas/{persona_key}/versions",
    tag = "configuration",
    params(("persona_key" = String, Path, pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"), OnceParams, IfMatchParams),
    request_body = PersonaVersionBody,
    responses(
        (status = 201, description = "Made.", body = ShownPersona),
        (status = 404, description = "`personas.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`personas.version_taken`, `personas.platform`",
            body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, as when a persona is made.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn create_persona_version(
    call: Call<PersonasManage, PersonaKey, (), Said>,
) -> ApiResult {
    let seen = IfMatch::of(&call.request).version();
    let target = PersonaTarget::Existing(seen);
    write(&call, target, &call.body, &call.path.0).await
}
