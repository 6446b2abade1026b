use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};
use prometheus::TextEncoder;

use crate::error::{ApiError, ApiResult, ErrorEnvelope};
use crate::extract::{Call, Probe};

/// Prometheus's text format.
const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What the server has counted and timed, for Prometheus; also while it is stopping.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "service",
    security(),
    responses(
        (status = 200, description = "Prometheus's text format.", content_type = "text/plain",
            body = String),
        (status = 404, description = "`request.unknown_path`: they are switched off.",
            body = ErrorEnvelope),
    )
)]
pub(crate) async fn metrics(call: Call<Probe>) -> ApiResult {
    let Some(source) = call.state.metrics_source() else {
        return Err(ApiError::not_found(
            "request.unknown_path",
            "there is nothing at this path",
        ));
    };
    let gather = async move { Ok::<_, ApiError>(source.gather().await) };
    let mut families = call.state.run(gather).await?;
    families.extend(call.state.metrics().gather());
    let text = TextEncoder::new().encode_to_string(&families);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, FORMAT))
        .body(text.map_err(ApiError::internal)?))
}
