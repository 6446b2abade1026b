use runloom_store::Update;

use super::patch::{RoutePatch, RoutePatchBody};
use super::{LlmRoute, check, not_found, of_platform};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, RouteKey, RoutesManage};
use crate::precondition::{IfMatch, TRIES, contended, tagged};
use crate::v1::params::IfMatchParams;

/// Changes a route. Runs that have begun go on with it as it was.
#[utoipa::path(
    patch,
    path = "/v1/llm-routes/{route_id}",
    tag = "configuration",
    params(("route_id" = Uuid, Path), IfMatchParams),
    request_body = RoutePatchBody,
    responses(
        (status = 200, description = "The route as it is now.", body = LlmRoute,
            headers(("ETag" = String))),
        (status = 404, description = "`routes.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`routes.platform`", body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = 422, description = "`validation.error`, as when a route is made.",
            body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn update_llm_route(
    call: Call<RoutesManage, RouteKey, (), RoutePatch>,
) -> ApiResult {
    let (state, org) = (&call.state, call.caller.org_id);
    let id = match &call.path {
        RouteKey::Own(id) => *id,
        RouteKey::Platform(name) => return Err(of_platform(state, name)),
    };
    let if_match = IfMatch::of(&call.request);
    for _ in 0..TRIES {
        let store = state.store();
        let found = state.read(store.route(org, id)).await?;
        let found = found.ok_or_else(not_found)?;
        if_match.check(found.version)?;
        let settings = call.body.clone().applied(found.settings);
        check(state, org, &settings).await?;
        let (expected, now) = (found.version, state.now());
        let by = call.by();
        let write = async move {
            let updated = store.update_route(org, id, expected, settings, now, by);
            updated.await
        };
        match state.configure(org, write).await? {
            Update::Done(outcome) => {
                let record = outcome?;
                return Ok(tagged(record.version, &LlmRoute::from(record)));
            }
            Update::Absent => return Err(not_found()),
            Update::Stale => {}
        }
    }
    Err(contended())
}
