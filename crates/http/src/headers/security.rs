//! What a browser may do with an answer: as good as nothing.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Headers of every answer. Pages of other origins that may read answers do so by CORS, which
/// the resource policy doesn't touch.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// An answer of the API is no page, and nobody shows it in theirs.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Adds what doesn't depend on the request.
pub(crate) fn bare(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, NOTHING);
    }
}

/// Adds all of them. What the API answers belongs to one person or holds a secret, so that no
/// cache keeps it; event streams say so in their own words.
pub(super) fn set(headers: &mut HeaderMap, is_private: bool, hsts_seconds: u64) {
    bare(headers);
    if is_private && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if hsts_seconds > 0
        && let Ok(value) = HeaderValue::try_from(format!("max-age={hsts_seconds}"))
    {
        headers.insert(STRICT_TRANSPORT_SECURITY, value);
    }
}
