//! What a provider wants back in a tool loop.

use serde_json::{Value, json};

/// The reasoning before a tool call, which DeepSeek and Kimi refuse to miss. It is marked with
/// its route: another provider would not know what to do with it.
pub(super) fn of(route_id: &str, reasoning: &str) -> Option<Value> {
    if reasoning.is_empty() || reasoning.len() > super::answer::MAX_REASONING_BYTES {
        return None;
    }
    Some(json!({"route_id": route_id, "reasoning_content": reasoning}))
}

/// The reasoning in `opaque`, when it came by the same route.
pub(super) fn reasoning(opaque: &Value, route_id: &str) -> Option<String> {
    let own = opaque.get("route_id")?.as_str()? == route_id;
    let reasoning = opaque.get("reasoning_content")?.as_str()?;
    own.then(|| reasoning.to_owned())
}
