use super::ShownPersona;
use super::get::find;
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, PersonaKey, RunsRead, VersionName};

/// A persona in one of its versions.
#[utoipa::path(
    get,
    path = "/v1/personas/{persona_key}/versions/{version}",
    tag = "configuration",
    params(("persona_key" = String, Path, pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"), ("version" = String, Path, pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")),
    responses(
        (status = 200, description = "The version.", body = ShownPersona),
        (status = 404, description = "`personas.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_persona_version(
    call: Call<RunsRead, (PersonaKey, VersionName)>,
) -> ApiResult {
    let (PersonaKey(key), VersionName(version)) = &call.path;
    find(&call, key, Some(version)).await
}
