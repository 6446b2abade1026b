use actix_web::HttpResponse;

use super::Health;
use crate::error::ApiResult;

/// Whether the process is alive.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "service",
    security(),
    responses((status = 200, description = "Alive.", body = Health))
)]
pub(crate) async fn healthz() -> ApiResult {
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}
