use actix_web::HttpResponse;
use runloom_store::DeleteConfig;
use serde_json::json;

use super::{not_found, of_platform};
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, RouteKey, RoutesManage};
use crate::precondition::{IfMatch, failed};
use crate::v1::params::IfMatchParams;

/// Deletes a route, unless another one falls back to it or a run that has not ended began with
/// it, be it as a fallback.
#[utoipa::path(
    delete,
    path = "/v1/llm-routes/{route_id}",
    tag = "configuration",
    params(("route_id" = Uuid, Path), IfMatchParams),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, description = "`routes.not_found`", body = ErrorEnvelope),
        (status = 409, description = "`routes.platform`; `routes.in_use`: `details` counts the \
            `routes` that fall back to it and the `runs` that began with it and have not ended.",
            body = ErrorEnvelope),
        (status = 412, description = "`precondition.failed`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn delete_llm_route(call: Call<RoutesManage, RouteKey>) -> ApiResult {
    let (store, org) = (call.state.store(), call.caller.org_id);
    let id = match &call.path {
        RouteKey::Own(id) => *id,
        RouteKey::Platform(name) => return Err(of_platform(&call.state, name)),
    };
    let expected = IfMatch::of(&call.request).version();
    let by = call.by();
    let write = async move { store.delete_route(org, id, expected, by).await };
    match call.state.configure(org, write).await? {
        DeleteConfig::Deleted => Ok(HttpResponse::NoContent().finish()),
        DeleteConfig::Absent => Err(not_found()),
        DeleteConfig::Stale => Err(failed()),
        DeleteConfig::InUse { routes, runs } => Err(ApiError::conflict(
            "routes.in_use",
            "other routes or runs need the route",
        )
        .details(json!({ "routes": routes, "runs": runs }))),
    }
}
