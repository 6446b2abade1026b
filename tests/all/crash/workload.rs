//! What runs while the server is killed.

use runloom_tests::{Setup, Store};
use serde_json::{Value, json};

/// Steps of text, each with a tool of another class, and an answer.
fn turns() -> Value {
    let turn = |deltas: u32, tool: &str, arguments: Value| {
        json!([
            { "count": { "to": deltas, "every_ms": 2 } },
            { "tool_call": { "name": tool, "arguments": arguments } },
        ])
    };
    json!([
        turn(8, "effect_keyed", json!({ "before_ms": 3, "after_ms": 3 })),
        turn(4, "effect_once", json!({ "before_ms": 3, "after_ms": 3 })),
        turn(4, "calculator", json!({ "expression": "6*7" })),
        [{ "count": { "to": 8, "every_ms": 2 } }],
    ])
}

const PERSONA: &str = r#"
[[personas]]
key = "worker"
prompt = "Work."
tools = ["effect_keyed", "effect_once", "calculator"]
"#;

pub(super) fn setup(store: Store) -> Setup {
    Setup::new(store).scripted("m", turns()).toml(PERSONA)
}
