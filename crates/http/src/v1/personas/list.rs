use runloom_store::Page;

use super::{ShownPersona, is_platforms_default, platforms};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, RunsRead};
use crate::page;
use crate::v1::params::PageParams;

/// The organisation's personas, each in its newest version, the last made first, and then the
/// platform's.
#[utoipa::path(
    get,
    path = "/v1/personas",
    tag = "configuration",
    params(PageParams),
    responses(
        (status = 200, description = "A page.", body = Vec<ShownPersona>,
            headers(("X-Next-Cursor" = String, description = "Absent on the last page."))),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn list_personas(call: Call<RunsRead, (), Page>) -> ApiResult {
    let (store, page) = (call.state.store(), call.query);
    let own = call
        .state
        .read(store.personas(call.caller.org_id, page))
        .await?;
    let platforms = platforms(&call.state);
    let all = page::followed_by(own.map(ShownPersona::from), &platforms, page, |persona| {
        ShownPersona::of_platform(persona, is_platforms_default(&call.state, persona))
    });
    Ok(page::answer(&call.request, all, |persona| persona))
}
