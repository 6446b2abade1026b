use actix_web::HttpResponse;

use super::Health;
use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, Probe};
use crate::readiness::NotReady;

/// Whether requests should be sent here: the database answers and the server isn't stopping.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "service",
    security(),
    responses(
        (status = 200, description = "Ready.", body = Health),
        (status = 503, description = "`service.not_ready`", body = ErrorEnvelope),
    )
)]
pub(crate) async fn readyz(call: Call<Probe>) -> ApiResult {
    if call.state.drain().is_cancelled() {
        return Err(NotReady("the server is stopping".to_owned()).into());
    }
    let readiness = call.state.readiness();
    call.state
        .run(async move { readiness.check().await })
        .await?;
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}

impl From<NotReady> for ApiError {
    fn from(reason: NotReady) -> Self {
        Self::unavailable("service.not_ready", "the server takes no requests now")
            .details(serde_json::json!({ "reason": reason.0 }))
    }
}
