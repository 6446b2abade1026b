use runloom_store::{Page, Paged};

use super::{ShownPersona, is_platforms_default, not_found, platforms_own};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, PersonaKey, RunsRead};
use crate::page;
use crate::v1::params::PageParams;

/// The versions of a persona, the newest first.
#[utoipa::path(
    get,
    path = "/v1/personas/{persona_key}/versions",
    tag = "configuration",
    params(("persona_key" = String, Path, pattern = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"), PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<ShownPersona>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = 404, description = "`personas.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_persona_versions(call: Call<RunsRead, PersonaKey, Page>) -> ApiResult {
    let (state, store, key) = (&call.state, call.state.store(), &call.path.0);
    let own = store.persona_versions(call.caller.org_id, key, call.query);
    if let Some(page) = state.read(own).await? {
        return Ok(page::answer(&call.request, page, ShownPersona::from));
    }
    platforms_own(state, key, None).ok_or_else(not_found)?;
    let all = state.configuring().platform.personas.iter().rev();
    let versions: Vec<_> = all.filter(|persona| persona.id.key == *key).collect();
    let none = Paged {
        items: Vec::new(),
        next: None,
    };
    let page = page::followed_by(none, &versions, call.query, |persona| {
        ShownPersona::of_platform(persona, is_platforms_default(state, persona))
    });
    Ok(page::answer(&call.request, page, |persona| persona))
}
