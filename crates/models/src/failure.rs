//! What a provider's refusal means.

use std::time::Duration;

use http::StatusCode;
use runloom_engine::port::model::{ModelError, ModelErrorKind};
use serde_json::Value;

use crate::endpoint::ApiKey;

/// Names in an error's `code` or `type` that say more than the status does.
const NAMED: &[(&str, ModelErrorKind)] = &[
    ("context_length_exceeded", ModelErrorKind::ContextOverflow),
    ("exceed_context_size_error", ModelErrorKind::ContextOverflow),
    ("context_window_exceeded", ModelErrorKind::ContextOverflow),
    ("insufficient_quota", ModelErrorKind::PaymentRequired),
    ("insufficient_balance", ModelErrorKind::PaymentRequired),
    (
        "billing_hard_limit_reached",
        ModelErrorKind::PaymentRequired,
    ),
    ("content_filter", ModelErrorKind::ContentFilter),
    ("content_policy_violation", ModelErrorKind::ContentFilter),
    ("model_not_found", ModelErrorKind::NotFound),
    // Anthropic.
    ("billing_error", ModelErrorKind::PaymentRequired),
    ("request_too_large", ModelErrorKind::ContextOverflow),
    // Gemini, which answers to a bad key that the request is bad.
    ("api_key_invalid", ModelErrorKind::Unauthorized),
];

/// Names that stand in for a status where there is none: in the middle of a stream.
const INSTEAD_OF_STATUS: &[(&str, ModelErrorKind)] = &[
    ("rate_limit_error", ModelErrorKind::RateLimited),
    ("rate_limit_exceeded", ModelErrorKind::RateLimited),
    ("invalid_request_error", ModelErrorKind::BadRequest),
    ("authentication_error", ModelErrorKind::Unauthorized),
    ("permission_error", ModelErrorKind::Unauthorized),
    ("invalid_api_key", ModelErrorKind::Unauthorized),
    ("not_found_error", ModelErrorKind::NotFound),
    ("timeout_error", ModelErrorKind::Timeout),
    ("invalid_prompt", ModelErrorKind::BadRequest),
    // Gemini.
    ("resource_exhausted", ModelErrorKind::RateLimited),
    ("invalid_argument", ModelErrorKind::BadRequest),
    ("failed_precondition", ModelErrorKind::BadRequest),
    ("unauthenticated", ModelErrorKind::Unauthorized),
    ("permission_denied", ModelErrorKind::Unauthorized),
    ("not_found", ModelErrorKind::NotFound),
    ("deadline_exceeded", ModelErrorKind::Timeout),
];

/// Phrases by which providers without a code of their own say that the prompt is too long.
const TOO_LONG: &[&str] = &[
    "maximum context length",
    "context length",
    "context window",
    "context size",
    "prompt is too long",
    "exceed context limit",
    "maximum number of tokens allowed",
];

/// Phrases by which Anthropic, without a code of its own, says that the account is empty.
const TOO_POOR: &[&str] = &["credit balance is too low"];

/// An error object of a provider, as far as it is understood.
#[derive(Default)]
struct Complaint {
    /// Its `code`, `type` and `status` and the reasons among its details, in lower case.
    names: Vec<String>,
    /// Its `code`, when that is an HTTP status.
    status: Option<StatusCode>,
    /// Its message, in lower case; for recognition only, never shown.
    message: String,
    /// How long it asks to wait (Gemini).
    retry_after: Option<Duration>,
}

impl Complaint {
    fn read(value: &Value) -> Self {
        // Some providers wrap the object in a list, some leave out the `error` around it.
        let value = value.get(0).unwrap_or(value);
        let error = match value.get("error") {
            Some(Value::Null) | None => value,
            Some(error) => error,
        };
        let text = |field: &str| match error.get(field) {
            Some(Value::String(text)) => Some(text.to_lowercase()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let code = text("code");
        Self {
            status: code
                .as_deref()
                .or(text("status").as_deref())
                .and_then(|code| code.parse().ok())
                .filter(|status: &StatusCode| status.as_u16() >= 400),
            message: text("message")
                .or_else(|| error.as_str().map(str::to_lowercase))
                .unwrap_or_default(),
            names: code
                .into_iter()
                .chain(text("type"))
                .chain(text("status"))
                .chain(details(error).filter_map(|own| lowercase(own.get("reason"))))
                .collect(),
            retry_after: details(error)
                .find_map(|own| own.get("retryDelay"))
                .and_then(Value::as_str)
                .and_then(seconds),
        }
    }

    fn named(&self, table: &[(&str, ModelErrorKind)]) -> Option<ModelErrorKind> {
        let entry = |(name, kind): &(&str, ModelErrorKind)| {
            let found = self.names.iter().any(|own| own == name);
            found.then_some(*kind)
        };
        table.iter().find_map(entry)
    }

    /// What a request that is bad by its status is by its message.
    fn refined(&self, kind: ModelErrorKind) -> ModelErrorKind {
        let says = |phrases: &[&str]| phrases.iter().any(|own| self.message.contains(own));
        match kind {
            ModelErrorKind::BadRequest if says(TOO_LONG) => ModelErrorKind::ContextOverflow,
            ModelErrorKind::BadRequest if says(TOO_POOR) => ModelErrorKind::PaymentRequired,
            kind => kind,
        }
    }

    /// A name that can be shown: it looks like an identifier and holds no secret.
    fn label(&self, key: Option<&ApiKey>) -> Option<&str> {
        let plain = |name: &&str| {
            let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            name.len() <= 64
                && name.bytes().all(letters)
                && name.bytes().any(|b| b.is_ascii_alphabetic())
        };
        let secret = |name: &&str| key.is_some_and(|key| key.is_in_lowercase(name));
        let names = self.names.iter().map(String::as_str);
        names.filter(plain).find(|name| !secret(name))
    }
}

fn details(error: &Value) -> impl Iterator<Item = &Value> {
    let details = error.get("details").and_then(Value::as_array);
    details.into_iter().flatten()
}

fn lowercase(text: Option<&Value>) -> Option<String> {
    text.and_then(Value::as_str).map(str::to_lowercase)
}

/// A duration such as `34.07s`, at most a day.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    let credible = seconds >= 0.0;
    credible.then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
}

/// The provider answered with a status other than 200. `body` is what was read of it.
pub(crate) fn refused(
    status: StatusCode,
    body: &[u8],
    retry_after: Option<Duration>,
    key: Option<&ApiKey>,
) -> ModelError {
    let value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let complaint = Complaint::read(&value);
    let kind = complaint
        .named(NAMED)
        .unwrap_or_else(|| complaint.refined(by_status(status)));
    let retry_after = retry_after.or(complaint.retry_after);
    ModelError {
        kind,
        message: worded("the provider answered ", status.as_str(), &complaint, key),
        retry_after: retry_after.filter(|_| kind.is_retryable()),
    }
}

/// The provider reported an error within a stream that had begun well.
pub(crate) fn in_stream(value: &Value, key: Option<&ApiKey>) -> ModelError {
    let complaint = Complaint::read(value);
    let kind = complaint
        .named(NAMED)
        .or_else(|| complaint.status.map(by_status))
        .or_else(|| complaint.named(INSTEAD_OF_STATUS))
        .unwrap_or(ModelErrorKind::Unavailable);
    let start = "the provider reported an error in its stream";
    ModelError {
        kind: complaint.refined(kind),
        message: worded(start, "", &complaint, key),
        retry_after: complaint.retry_after.filter(|_| kind.is_retryable()),
    }
}

fn worded(start: &str, status: &str, complaint: &Complaint, key: Option<&ApiKey>) -> String {
    match complaint.label(key) {
        Some(label) => format!("{start}{status} ({label})"),
        None => format!("{start}{status}"),
    }
}

fn by_status(status: StatusCode) -> ModelErrorKind {
    match status.as_u16() {
        401 | 403 => ModelErrorKind::Unauthorized,
        402 => ModelErrorKind::PaymentRequired,
        404 => ModelErrorKind::NotFound,
        408 => ModelErrorKind::Timeout,
        429 => ModelErrorKind::RateLimited,
        500.. => ModelErrorKind::Unavailable,
        // The rest of 4xx, and redirects, which are not followed.
        _ => ModelErrorKind::BadRequest,
    }
}

/// The connection failed before the provider's headers came.
pub(crate) fn unreachable(error: &reqwest::Error) -> ModelError {
    let what = if error.is_connect() {
        "the provider can't be reached"
    } else {
        "the connection to the provider broke before it answered"
    };
    ModelError::new(ModelErrorKind::Unavailable, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> ModelErrorKind {
        let status = StatusCode::from_u16(status).unwrap();
        refused(status, body.as_bytes(), None, None).kind
    }

    #[test]
    fn statuses_have_their_kinds() {
        let kinds = [
            (302, ModelErrorKind::BadRequest),
            (400, ModelErrorKind::BadRequest),
            (401, ModelErrorKind::Unauthorized),
            (402, ModelErrorKind::PaymentRequired),
            (403, ModelErrorKind::Unauthorized),
            (404, ModelErrorKind::NotFound),
            (408, ModelErrorKind::Timeout),
            (422, ModelErrorKind::BadRequest),
            (429, ModelErrorKind::RateLimited),
            (500, ModelErrorKind::Unavailable),
            (529, ModelErrorKind::Unavailable),
        ];
        for (status, wanted) in kinds {
            assert_eq!(kind(status, "<html>"), wanted, "{status}");
        }
    }

    #[test]
    fn bodies_say_more_than_statuses() {
        let openai = r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        assert_eq!(kind(400, openai), ModelErrorKind::ContextOverflow);
        let llama = r#"{"error":{"code":400,"type":"exceed_context_size_error","n_ctx":8}}"#;
        assert_eq!(kind(400, llama), ModelErrorKind::ContextOverflow);
        let words = r#"{"message":"This model's maximum context length is 8 tokens"}"#;
        assert_eq!(kind(400, words), ModelErrorKind::ContextOverflow);
        let quota = r#"[{"error":{"code":"insufficient_quota"}}]"#;
        assert_eq!(kind(429, quota), ModelErrorKind::PaymentRequired);
    }

    #[test]
    fn each_format_has_its_names() {
        let anthropic = |name: &str, message: &str| {
            format!(
                r#"{{"type":"error","error":{{"type":"{name}","message":"{message}"}},"request_id":"r"}}"#
            )
        };
        let gemini = |code: u16, status: &str, message: &str| {
            format!(r#"{{"error":{{"code":{code},"message":"{message}","status":"{status}"}}}}"#)
        };
        let invalid = "invalid_request_error";
        let tables = [
            (
                400,
                anthropic(invalid, "prompt is too long: 9 tokens > 8 maximum"),
                ModelErrorKind::ContextOverflow,
            ),
            (
                400,
                anthropic(
                    invalid,
                    "input length and `max_tokens` exceed context limit: 9 + 1 > 8",
                ),
                ModelErrorKind::ContextOverflow,
            ),
            (
                400,
                anthropic(invalid, "Your credit balance is too low to access the API."),
                ModelErrorKind::PaymentRequired,
            ),
            (
                400,
                anthropic(invalid, "messages: at least one is required"),
                ModelErrorKind::BadRequest,
            ),
            (
                402,
                anthropic("billing_error", "m"),
                ModelErrorKind::PaymentRequired,
            ),
            (
                413,
                anthropic("request_too_large", "m"),
                ModelErrorKind::ContextOverflow,
            ),
            (
                500,
                anthropic("api_error", "m"),
                ModelErrorKind::Unavailable,
            ),
            (
                529,
                anthropic("overloaded_error", "Overloaded"),
                ModelErrorKind::Unavailable,
            ),
            (
                429,
                gemini(429, "RESOURCE_EXHAUSTED", "m"),
                ModelErrorKind::RateLimited,
            ),
            (
                503,
                gemini(503, "UNAVAILABLE", "m"),
                ModelErrorKind::Unavailable,
            ),
            (
                504,
                gemini(504, "DEADLINE_EXCEEDED", "m"),
                ModelErrorKind::Unavailable,
            ),
            (
                403,
                gemini(403, "PERMISSION_DENIED", "m"),
                ModelErrorKind::Unauthorized,
            ),
            (404, gemini(404, "NOT_FOUND", "m"), ModelErrorKind::NotFound),
            (
                400,
                gemini(
                    400,
                    "INVALID_ARGUMENT",
                    "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                ),
                ModelErrorKind::ContextOverflow,
            ),
            (
                404,
                r#"{"error":"model 'm' not found"}"#.into(),
                ModelErrorKind::NotFound,
            ),
            (
                400,
                r#"{"error":"the input length exceeds the context length"}"#.into(),
                ModelErrorKind::ContextOverflow,
            ),
        ];
        for (status, body, wanted) in tables {
            assert_eq!(kind(status, &body), wanted, "{status} {body}");
        }
    }

    #[test]
    fn gemini_says_more_in_its_details() {
        let body = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.QuotaFailure"},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}"#;
        let refused = |body: &str, header: Option<u64>| {
            let header = header.map(Duration::from_secs);
            refused(StatusCode::TOO_MANY_REQUESTS, body.as_bytes(), header, None)
        };
        let limited = refused(body, None);
        assert_eq!(limited.retry_after, Some(Duration::from_millis(34_500)));
        assert_eq!(
            limited.message,
            "the provider answered 429 (resource_exhausted)"
        );
        assert_eq!(
            refused(body, Some(2)).retry_after,
            Some(Duration::from_secs(2))
        );
        for absurd in ["-1s", "NaNs", "soon", "5"] {
            let wish = refused(&body.replace("34.5s", absurd), None).retry_after;
            assert_eq!(wish, None, "{absurd}");
        }
        let endless = refused(&body.replace("34.5s", "1e300s"), None).retry_after;
        assert_eq!(endless, Some(Duration::from_hours(24)));
        let key = r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
        assert_eq!(kind(400, key), ModelErrorKind::Unauthorized);
    }

    #[test]
    fn errors_in_streams_are_read_by_code_then_name() {
        let kind = |body: &str| in_stream(&serde_json::from_str(body).unwrap(), None).kind;
        assert_eq!(
            kind(r#"{"error":{"code":"429"}}"#),
            ModelErrorKind::RateLimited
        );
        assert_eq!(
            kind(r#"{"error":{"type":"rate_limit_error"}}"#),
            ModelErrorKind::RateLimited
        );
        assert_eq!(
            kind(r#"{"type":"error","message":"x"}"#),
            ModelErrorKind::Unavailable
        );
        assert_eq!(kind(r#"{"error":"boom"}"#), ModelErrorKind::Unavailable);
        assert_eq!(
            kind(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
            ModelErrorKind::Unavailable
        );
        assert_eq!(
            kind(r#"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#),
            ModelErrorKind::RateLimited
        );
        assert_eq!(
            kind(r#"{"type":"error","code":"context_length_exceeded"}"#),
            ModelErrorKind::ContextOverflow
        );
    }

    #[test]
    fn messages_show_names_but_no_payload_and_no_secret() {
        let key = ApiKey::new("sk-Canary");
        let told = |code: &str| {
            let body = format!(r#"{{"error":{{"message":"SECRET","code":"{code}"}}}}"#);
            refused(StatusCode::BAD_GATEWAY, body.as_bytes(), None, Some(&key)).message
        };
        assert_eq!(told("overloaded"), "the provider answered 502 (overloaded)");
        assert_eq!(told("x_sk-canary_x"), "the provider answered 502");
        assert_eq!(told("no spaces, please"), "the provider answered 502");
        assert_eq!(told(&"x".repeat(65)), "the provider answered 502");
    }
}
