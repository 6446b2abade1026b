use actix_web::HttpResponse;
use runloom_accounts::Caller;

use super::{ShownPersona, is_platforms_default, not_found, platforms_own};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Access, Call, PersonaKey, RunsRead};
use crate::precondition::tagged;

/// A persona in its newest version: the organisation's, else the platform's.
#[utoipa::path(
    get,
    path = "/v1/personas/{persona_key}",
    tag = "configuration",
    params(("persona_key" = String, Path, pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")),
    responses(
        (status = 200, description = "The persona.", body = ShownPersona,
            headers(("ETag" = String, description = "Absent for the platform's."))),
        (status = 404, description = "`personas.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_persona(call: Call<RunsRead, PersonaKey>) -> ApiResult {
    find(&call, &call.path.0, None).await
}

/// Answers with a persona in a version, or in its newest one. An organisation's persona hides
/// the platform's of the same key with all its versions, as it does for runs.
pub(super) async fn find<A: Access<Caller = Caller>, P, B>(
    call: &Call<A, P, (), B>,
    key: &str,
    version: Option<&str>,
) -> ApiResult {
    let (state, store, org) = (&call.state, call.state.store(), call.caller.org_id);
    if let Some(record) = state.read(store.persona(org, Some(key), version)).await? {
        return Ok(tagged(record.number, &ShownPersona::from(record)));
    }
    let hides = version.is_some()
        && state
            .read(store.persona(org, Some(key), None))
            .await?
            .is_some();
    let platforms = platforms_own(state, key, version).filter(|_| !hides);
    let persona = platforms.ok_or_else(not_found)?;
    let is_default = is_platforms_default(state, persona);
    Ok(HttpResponse::Ok().json(ShownPersona::of_platform(persona, is_default)))
}
