//! What surrounds every handler: trace ids, panics, the error envelope, the request log.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, ResponseError as _, web};
use futures_util::FutureExt as _;
use runloom_domain::TraceId;

use crate::error::{ApiError, Traced};
use crate::extract::client_address;
use crate::state::HttpState;
use crate::{headers, routes};

/// The header that names a request.
pub(crate) const X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// Outermost: gives the request its trace id, survives panics, writes the log line.
pub(crate) async fn observe<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let trace_id = incoming_trace(&request).unwrap_or_else(TraceId::generate);
    request.extensions_mut().insert(trace_id);
    let method = request.method().clone();
    let state = request.app_data::<web::Data<HttpState>>().cloned();

    // A request must not be cloned before it is routed, so after a panic it is gone: the answer
    // is made from what was kept.
    let error = match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => {
            let settings = state.as_ref().map(|state| state.settings());
            let mut response = headers::finish(response.map_into_boxed_body(), settings);
            let answered = Answered {
                method: &method,
                route: route_of(&response),
                status: response.status(),
                took: began.elapsed(),
            };
            answered.log(trace_id, client_address(response.request()));
            answered.count(state.as_ref());
            if let Ok(value) = HeaderValue::from_str(&trace_id.to_string()) {
                response.headers_mut().insert(X_TRACE_ID, value);
            }
            return Ok(response);
        }
        Ok(Err(error)) => {
            tracing::warn!(%method, %trace_id, %error, "a request failed outside its handler");
            ApiError::new(
                error.as_response_error().status_code(),
                "request.refused",
                "the request can't be processed",
            )
        }
        Err(panic) => {
            let words = panic_words(panic.as_ref());
            tracing::error!(%method, %trace_id, panic = words, "a handler panicked");
            ApiError::internal("a handler panicked")
        }
    };
    let answered = Answered {
        method: &method,
        route: None,
        status: error.status_code(),
        took: began.elapsed(),
    };
    answered.count(state.as_ref());
    Err(Traced { error, trace_id }.into())
}

/// The pattern that a request's path fits, as people write it.
fn route_of<B>(response: &ServiceResponse<B>) -> Option<String> {
    let pattern = response.request().match_pattern()?;
    Some(routes::documented(&pattern))
}

/// A request and how it was answered.
struct Answered<'a> {
    method: &'a Method,
    route: Option<String>,
    status: StatusCode,
    took: Duration,
}

impl Answered<'_> {
    /// One line per request. The query string is left out: it may hold a ticket.
    fn log(&self, trace_id: TraceId, client: IpAddr) {
        let method = self.method;
        let route = self.route.as_deref().unwrap_or("-");
        let (status, duration_us) = (self.status.as_u16(), self.took.as_micros() as u64);
        if matches!(route, "/healthz" | "/readyz" | "/metrics") {
            tracing::debug!(%method, route, status, duration_us, %client, %trace_id, "request");
        } else {
            tracing::info!(%method, route, status, duration_us, %client, %trace_id, "request");
        }
    }

    fn count(&self, state: Option<&web::Data<HttpState>>) {
        if let Some(state) = state {
            let route = self.route.as_deref();
            let metrics = state.metrics();
            metrics.answered(route, self.method, self.status, self.took);
        }
    }
}

/// Gives every failed answer its envelope, also those that actix-web made itself.
pub(crate) async fn envelope<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(response.map_into_boxed_body());
    }
    let trace_id = trace_of(response.request());
    let body = match response
        .response()
        .error()
        .and_then(Error::as_error::<ApiError>)
    {
        Some(error) => {
            log_cause(error, status, trace_id);
            error.envelope(trace_id)
        }
        None => unnamed(status).envelope(trace_id),
    };
    let body = serde_json::to_string(&body)?;
    let mut response = response.map_body(|_, _| BoxBody::new(body));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// The trace id that [`observe`] gave a request.
pub(crate) fn trace_of(request: &HttpRequest) -> TraceId {
    let given = request.extensions().get::<TraceId>().copied();
    given.unwrap_or_else(TraceId::generate)
}

/// The trace id of a W3C `traceparent`, if the deployment trusts who sent it.
fn incoming_trace(request: &ServiceRequest) -> Option<TraceId> {
    let state = request.app_data::<web::Data<HttpState>>()?;
    if !state.settings().trust_traceparent {
        return None;
    }
    let header = request.headers().get("traceparent")?.to_str().ok()?;
    let mut parts = header.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    // A later version may add parts; `ff` is the one that the recommendation forbids.
    let known = version.len() == 2 && version != "ff" && parts.next()?.len() == 16;
    if known { trace.parse().ok() } else { None }
}

/// A failure that has only a status: made by actix-web, not by a handler.
fn unnamed(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => {
            ApiError::not_found("request.unknown_path", "there is nothing at this path")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(status, "request.too_large", "the body is too large")
        }
        _ if status.is_client_error() => ApiError::new(
            status,
            "request.refused",
            status.canonical_reason().unwrap_or("refused"),
        ),
        _ => ApiError::internal("a response without an error"),
    }
}

fn log_cause(error: &ApiError, status: StatusCode, trace_id: TraceId) {
    let Some(cause) = error.cause() else { return };
    let mut text = cause.to_string();
    let mut inner = cause.source();
    while let Some(error) = inner {
        text = format!("{text}: {error}");
        inner = error.source();
    }
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(%trace_id, cause = text, "a request failed");
    } else {
        tracing::warn!(%trace_id, cause = text, "a request could not be served");
    }
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test};
    use serde_json::Value;

    use super::*;
    use crate::error::ApiResult;

    async fn panics() -> ApiResult {
        panic!("the secret reason")
    }

    async fn fails() -> ApiResult {
        Err(ApiError::internal("the secret reason"))
    }

    async fn actix_fails() -> Result<HttpResponse, Error> {
        Err(actix_web::error::ErrorImATeapot("the secret reason"))
    }

    /// Status and envelope of a request that fails.
    async fn failure(path: &str) -> (u16, Value) {
        let app = App::new()
            .route("/panics", web::get().to(panics))
            .route("/fails", web::get().to(fails))
            .route("/actix", web::get().to(actix_fails))
            .wrap(from_fn(envelope))
            .wrap(from_fn(observe));
        let app = test::init_service(app).await;
        let request = test::TestRequest::get().uri(path).to_request();
        let response = match test::try_call_service(&app, request).await {
            Ok(response) => response.map_into_boxed_body().into_parts().1,
            Err(error) => error.error_response(),
        };
        let trace = response
            .headers()
            .get("x-trace-id")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let status = response.status().as_u16();
        let body = actix_web::body::to_bytes(response.into_body())
            .await
            .unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["trace_id"], trace);
        (status, body)
    }

    #[actix_web::test]
    async fn failures_of_ours_tell_nothing() {
        for path in ["/panics", "/fails"] {
            let (status, body) = failure(path).await;
            assert_eq!((status, &body["code"]), (500, &"internal.error".into()));
            assert!(!body.to_string().contains("secret"));
        }
    }

    #[actix_web::test]
    async fn what_actix_refuses_has_an_envelope_too() {
        let (status, body) = failure("/actix").await;
        assert_eq!((status, &body["code"]), (418, &"request.refused".into()));
        assert!(!body.to_string().contains("secret"));
        let (status, body) = failure("/nowhere").await;
        assert_eq!(
            (status, &body["code"]),
            (404, &"request.unknown_path".into())
        );
    }
}
