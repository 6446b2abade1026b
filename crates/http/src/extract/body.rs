//! Request bodies: bounded in size and time, strict in content.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::http::{Method, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use super::escapes;
use super::fields::Fields;
use crate::error::{ApiError, FieldErrors};

/// A body that nobody wants is read up to this length, so that the connection can be used on.
const MAX_DISCARDED: usize = 64 * 1024;
/// How long it may take to arrive.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest body.
const MAX_BODY: usize = 1024 * 1024;

/// A request body that knows its fields.
pub(crate) trait Body: Sized + 'static {
    /// Whether the body is read at all.
    const IS_READ: bool = true;

    /// Takes the fields; problems are noted in `fields`, and what is returned beside them is
    /// not used.
    fn from_fields(fields: &mut Fields) -> Self;
}

/// For requests that have no body, such as GET.
pub(crate) struct Unread;

impl Body for Unread {
    const IS_READ: bool = false;

    fn from_fields(_: &mut Fields) -> Self {
        Self
    }
}

/// For requests whose body has no fields: absent, or `{}`.
pub(crate) struct Empty;

impl Body for Empty {
    fn from_fields(_: &mut Fields) -> Self {
        Self
    }
}

/// Reads the whole body within the deadline.
pub(super) async fn receive(
    request: &HttpRequest,
    payload: &mut Payload,
    deadline: Duration,
) -> Result<Bytes, ApiError> {
    let declared = content_length(request);
    if declared.is_some_and(|length| length > MAX_BODY) {
        return Err(too_large());
    }
    if declared == Some(0) || (declared.is_none() && !is_chunked(request)) {
        return Ok(Bytes::new());
    }
    check_encoding(request)?;
    match tokio::time::timeout(deadline, collect(payload)).await {
        Ok(body) => body,
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "request.body_timeout",
            "the body did not arrive in time",
        )
        .closing()),
    }
}

fn content_length(request: &HttpRequest) -> Option<usize> {
    let value = request.headers().get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

fn is_chunked(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::TRANSFER_ENCODING)
        // HTTP/2 bodies have neither header.
        || (request.version() > actix_web::http::Version::HTTP_11
            && request.method() != Method::GET)
}

/// Reads a body that nobody wants, if it is short; else the connection has to be closed after
/// the answer, and `error` says so.
pub(crate) async fn discard(
    request: &HttpRequest,
    payload: &mut Payload,
    error: ApiError,
) -> ApiError {
    let left = match content_length(request) {
        // actix-web itself reads chunked bodies to their end.
        None | Some(0) => return error,
        Some(left) => left,
    };
    let read = async { while let Some(Ok(_)) = payload.next().await {} };
    if left <= MAX_DISCARDED && tokio::time::timeout(DISCARD_TIMEOUT, read).await.is_ok() {
        error
    } else {
        error.closing()
    }
}

async fn collect(payload: &mut Payload) -> Result<Bytes, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "request.malformed_body",
                "the body could not be read",
            )
            .caused_by(error.to_string())
            .closing()
        })?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request.too_large",
        "the body is larger than 1 MiB",
    )
    .details(serde_json::json!({ "max_bytes": MAX_BODY }))
    .closing()
}

/// Only plain JSON is taken. A body without a content type is taken for JSON.
fn check_encoding(request: &HttpRequest) -> Result<(), ApiError> {
    let headers = request.headers();
    let json = headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        let essence = value.to_str().unwrap_or("").split(';').next().unwrap_or("");
        essence.trim().eq_ignore_ascii_case("application/json")
    });
    let plain = headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if json && plain {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "request.unsupported_media_type",
        "the body must be JSON (Content-Type: application/json) without content encoding",
    )
    .closing())
}

/// Takes a body apart. An empty one has no fields.
pub(super) fn parse<B: Body>(body: &[u8]) -> Result<B, ApiError> {
    let mut fields = Fields::new(object(body)?);
    let parsed = B::from_fields(&mut fields);
    let errors = fields.finish();
    if errors.is_empty() {
        Ok(parsed)
    } else {
        Err(ApiError::invalid(&errors))
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    if std::str::from_utf8(body).is_err() {
        return Err(ApiError::invalid_field("body", "is not UTF-8"));
    }
    let (mended, forbidden) = escapes::mend(body);
    let value = serde_json::from_slice(&mended).map_err(|error| malformed(&error))?;
    if forbidden {
        let mut errors = FieldErrors::new();
        find_nul(&value, "", &mut errors);
        return Err(ApiError::invalid(&errors));
    }
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(ApiError::invalid_field("body", "must be an object")),
    }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "request.malformed_json",
        "the body is not valid JSON",
    )
    .details(serde_json::json!({ "line": error.line(), "column": error.column() }))
}

/// Names every string with a character that can't be stored.
fn find_nul(value: &Value, path: &str, errors: &mut FieldErrors) {
    const PROBLEM: &str = "must not contain \\u0000 or a lone surrogate";
    match value {
        Value::String(text) if text.contains('\0') => {
            errors.insert(path.to_owned(), PROBLEM.to_owned());
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_nul(item, &format!("{path}[{index}]"), errors);
            }
        }
        Value::Object(object) => {
            for (name, item) in object {
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{}", name.replace('\0', "\u{fffd}"));
                if name.contains('\0') {
                    errors.insert(path.clone(), PROBLEM.to_owned());
                }
                find_nul(item, &path, errors);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;
    use runloom_domain::TraceId;

    use super::*;

    /// Status, code and the fields named in the details.
    fn refusal(body: &[u8]) -> (u16, String, Vec<String>) {
        let Err(error) = parse::<Empty>(body) else {
            panic!("{body:?} was taken");
        };
        let envelope = error.envelope(TraceId::generate());
        let details = envelope.details.unwrap_or_default();
        let fields = details.as_object().into_iter().flatten();
        (
            error.status_code().as_u16(),
            envelope.code,
            fields.map(|(name, _)| name.clone()).collect(),
        )
    }

    #[test]
    fn nothing_and_an_empty_object_are_the_same() {
        for body in ["", " \n", "{}"] {
            assert!(parse::<Empty>(body.as_bytes()).is_ok(), "{body:?}");
        }
    }

    #[test]
    fn malformed_is_not_invalid() {
        for body in ["{", "{\"a\":1,}", "nul", "{\"a\":\"\u{1}\"}"] {
            let (status, code, _) = refusal(body.as_bytes());
            assert_eq!((status, code.as_str()), (400, "request.malformed_json"));
        }
        for body in ["[]", "\"x\"", "7", "null"] {
            let (status, _, fields) = refusal(body.as_bytes());
            assert_eq!((status, fields), (422, vec!["body".to_owned()]));
        }
        assert_eq!(refusal(b"{\"a\":\"\xff\"}").0, 422);
    }

    #[test]
    fn forbidden_characters_are_found_everywhere() {
        let body = br#"{"a":"\u0000","b":{"c":["x","\ud800"]},"d\u0000":1,"e":"\ud834\udd1e"}"#;
        let (status, code, fields) = refusal(body);
        assert_eq!((status, code.as_str()), (422, "validation.error"));
        assert_eq!(fields, ["a", "b.c[1]", "d\u{fffd}"]);
    }
}
