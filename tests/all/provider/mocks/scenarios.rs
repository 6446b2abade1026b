//! What llmock can do to a client, and what is to come of it.

use serde_json::{Value, json};

/// What llmock does, and what a run makes of it.
pub(super) struct Scenario {
    /// llmock's behaviours, in the order in which requests meet them.
    pub(super) behaviors: Vec<Value>,
    pub(super) persona: &'static str,
    /// The classes of the retries, in order.
    pub(super) retries: Vec<&'static str>,
    pub(super) end: End,
}

/// How a run ends.
pub(super) enum End {
    /// With what llmock always says.
    Usual,
    /// With this text.
    Text(&'static str),
    /// Cut short, with this text.
    Short(&'static str),
    /// With the usual text, after a tool answered so.
    ToolResult(&'static str),
    /// With the usual text, after a call of a tool failed in this class.
    ToolError(&'static str),
    /// In this class.
    Failed(&'static str),
}

fn scenario(behaviors: Vec<Value>, retries: &[&'static str], end: End) -> Scenario {
    Scenario {
        behaviors,
        persona: "talker",
        retries: retries.to_vec(),
        end,
    }
}

fn worker(behavior: Value, end: End) -> Scenario {
    Scenario {
        persona: "worker",
        ..scenario(vec![behavior], &[], end)
    }
}

fn fail(status: u16) -> Value {
    json!({ "type": "fail", "status": status })
}

fn fault(kind: &str, after_chunks: u32) -> Value {
    json!({ "type": "stream_fault", "kind": kind, "after_chunks": after_chunks })
}

const UNAVAILABLE: &str = "provider.unavailable";
const LIMITED: &str = "provider.rate_limited";
const CUT: &str = "provider.stream_cut";
const MALFORMED: &str = "provider.malformed";

/// Failures before any answer.
pub(super) fn refusals() -> Vec<Scenario> {
    let named = |status: u16, code: &str| {
        json!({ "type": "fail", "status": status,
        "code": code, "message": "no sk-secret-canary" })
    };
    let wished = |status: u16, seconds: f64| {
        json!({ "type": "fail", "status": status,
        "retry_after": seconds })
    };
    let thrice = |status: u16| {
        json!({ "type": "fail", "status": status, "times": 3,
        "retry_after": 0.1 })
    };
    let last = |behavior: Value, class| scenario(vec![behavior], &[], End::Failed(class));
    let retried = |behavior: Value, class| scenario(vec![behavior], &[class], End::Usual);
    vec![
        last(fail(400), "provider.bad_request"),
        last(fail(401), "provider.unauthorized"),
        last(fail(402), "provider.payment_required"),
        last(fail(403), "provider.unauthorized"),
        last(fail(404), "provider.not_found"),
        last(fail(422), "provider.bad_request"),
        // There is nothing that could be left out.
        last(
            named(400, "context_length_exceeded"),
            "provider.context_overflow",
        ),
        retried(fail(408), "provider.timeout"),
        retried(wished(429, 1.0), LIMITED),
        // Less than a second is in `retry-after-ms` only.
        retried(wished(429, 0.3), LIMITED),
        retried(fail(500), UNAVAILABLE),
        retried(fail(502), UNAVAILABLE),
        retried(wished(503, 0.4), UNAVAILABLE),
        retried(wished(504, 0.1), UNAVAILABLE),
        retried(wished(529, 0.1), UNAVAILABLE),
        scenario(vec![thrice(429)], &[LIMITED; 2], End::Failed(LIMITED)),
        scenario(
            vec![thrice(503)],
            &[UNAVAILABLE; 2],
            End::Failed(UNAVAILABLE),
        ),
    ]
}

/// Answers that are late or break off.
pub(super) fn breaks() -> Vec<Scenario> {
    let waits = |kind: &str, seconds: f64| json!({ "type": kind, "seconds": seconds });
    let stall = |seconds: f64| {
        json!({ "type": "stream_fault", "kind": "stall",
        "after_chunks": 2, "stall_seconds": seconds })
    };
    let retried = |behavior: Value, class| scenario(vec![behavior], &[class], End::Usual);
    let unnoticed = |behavior: Value| scenario(vec![behavior], &[], End::Usual);
    vec![
        unnoticed(waits("delay", 0.3)),
        retried(waits("delay", 5.0), "provider.timeout"),
        unnoticed(waits("slow_first_token", 0.3)),
        retried(waits("slow_first_token", 20.0), "provider.stalled"),
        unnoticed(stall(0.3)),
        retried(stall(20.0), "provider.stalled"),
        retried(fault("disconnect", 1), CUT),
        retried(fault("disconnect", 3), CUT),
        retried(fault("truncate", 1), CUT),
        retried(fault("truncate", 3), CUT),
        retried(fault("malformed", 0), MALFORMED),
        retried(fault("malformed", 2), MALFORMED),
        scenario(
            vec![fail(500), fault("disconnect", 2)],
            &[UNAVAILABLE, CUT],
            End::Usual,
        ),
        scenario(
            vec![fault("malformed", 2), fault("truncate", 2)],
            &[MALFORMED, CUT],
            End::Usual,
        ),
    ]
}

/// Answers that are whole, and tools that are called well or badly.
pub(super) fn answers() -> Vec<Scenario> {
    let call = |arguments: Value| json!([{ "name": "calculator", "arguments": arguments }]);
    let product = call(json!({ "expression": "6*7" }));
    let calls = json!({ "type": "reply", "tool_calls": product });
    let broken = |kind: &str| json!({ "type": "tool_fault", "kind": kind });
    vec![
        scenario(
            vec![json!({ "type": "reply", "text": "Hello, Grüße 𝄞!" })],
            &[],
            End::Text("Hello, Grüße 𝄞!"),
        ),
        scenario(
            vec![json!({ "type": "reply", "text": "and so", "finish_reason": "length" })],
            &[],
            End::Short("and so"),
        ),
        worker(calls.clone(), End::ToolResult("42")),
        worker(
            json!({ "type": "reply", "text": "I calculate.", "tool_calls": product }),
            End::ToolResult("42"),
        ),
        worker(
            broken("malformed_arguments"),
            End::ToolError("tool.invalid_arguments"),
        ),
        worker(broken("unknown_tool"), End::ToolError("tool.unknown")),
        worker(
            json!({ "type": "reply", "tool_calls": call(json!({})) }),
            End::ToolError("tool.invalid_arguments"),
        ),
    ]
}
