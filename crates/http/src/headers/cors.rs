//! Cross-origin requests of pages that the operator lists, and of no others.
//!
//! A browser asks before such a request which methods a path takes. No route answers `OPTIONS`,
//! so the question arrives here as a refusal that names the path's methods, which is just what
//! the browser wants to know.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderValue, ORIGIN, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

/// Headers that a page may send.
const SENT: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, traceparent",
);

/// Headers that a page may read, beside those that any may.
const READ: HeaderValue = HeaderValue::from_static(
    "ETag, Idempotency-Replayed, Link, RateLimit, RateLimit-Limit, RateLimit-Policy, \
     RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Next-Cursor, X-Trace-Id",
);

/// For how many seconds a browser needn't ask again. An origin that is taken off the list can
/// go on for so long to send requests, whose answers it can't read.
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// Where cookies are set and used.
const COOKIES: &str = "/v1/auth/";

/// Lets pages of these origins read an answer.
pub(super) fn share(
    mut response: ServiceResponse<BoxBody>,
    allowed: &[String],
) -> ServiceResponse<BoxBody> {
    if allowed.is_empty() {
        return response;
    }
    let origin = listed(response.request(), allowed);
    if origin.is_some() && is_question(response.request()) {
        response = permitted(response);
    }
    let with_cookies = response.request().path().starts_with(COOKIES);
    let headers = response.headers_mut();
    // Also for others, since a cache must not give them this answer for that of a listed one.
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        if with_cookies {
            headers.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
    }
    response
}

/// The origin that a request comes from, if it is on the list.
fn listed(request: &HttpRequest, allowed: &[String]) -> Option<HeaderValue> {
    let origin = request.headers().get(ORIGIN)?;
    let is_listed = allowed.iter().any(|allowed| origin == allowed.as_str());
    is_listed.then(|| origin.clone())
}

/// Whether a browser asks before it sends a request (a preflight).
fn is_question(request: &HttpRequest) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to the question, if there is such a path.
fn permitted(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let methods = response.headers().get(ALLOW).cloned();
    let (StatusCode::METHOD_NOT_ALLOWED, Some(methods)) = (response.status(), methods) else {
        return response;
    };
    let answer = HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, SENT))
        .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE))
        .finish();
    response.into_response(answer)
}
