use actix_web::HttpResponse;

use super::{LlmRoute, not_found};
use crate::error::{ApiResult, ErrorEnvelope};
use crate::extract::{Call, RouteKey, RoutesManage};
use crate::precondition::tagged;

/// A route of the organisation or of the platform.
#[utoipa::path(
    get,
    path = "/v1/llm-routes/{route_id}",
    tag = "configuration",
    params(("route_id" = String, Path)),
    responses(
        (status = 200, description = "The route.", body = LlmRoute,
            headers(("ETag" = String, description = "Absent for the platform's."))),
        (status = 404, description = "`routes.not_found`", body = ErrorEnvelope),
        (status = "default", description = "Refused or failed.", body = ErrorEnvelope),
    )
)]
pub(crate) async fn get_llm_route(call: Call<RoutesManage, RouteKey>) -> ApiResult {
    match &call.path {
        RouteKey::Own(id) => {
            let store = call.state.store();
            let found = call
                .state
                .read(store.route(call.caller.org_id, *id))
                .await?;
            let record = found.ok_or_else(not_found)?;
            Ok(tagged(record.version, &LlmRoute::from(record)))
        }
        RouteKey::Platform(name) => {
            let mut routes = call.state.configuring().platform.routes.iter();
            let found = routes.find(|entry| entry.route.route_id == *name);
            Ok(HttpResponse::Ok().json(LlmRoute::from(found.ok_or_else(not_found)?)))
        }
    }
}
