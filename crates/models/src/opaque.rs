//! What a provider wants back in a tool loop: reasoning in clear, signed or encrypted. It is
//! private JSON, marked with its route: another provider would not know what to do with it.

use serde_json::{Map, Value, json};

/// How much is kept for one answer, in bytes; more is not sent back.
pub(crate) const MAX_BYTES: usize = 512 * 1024;

/// `parts` as they go out with the end of an answer.
pub(crate) fn of(route_id: &str, mut parts: Map<String, Value>) -> Value {
    parts.insert("route_id".to_owned(), json!(route_id));
    Value::Object(parts)
}

/// Whether `opaque` came by that route.
pub(crate) fn is_of(opaque: &Value, route_id: &str) -> bool {
    opaque.get("route_id").and_then(Value::as_str) == Some(route_id)
}
