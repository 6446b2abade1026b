//! The text of a persona's file, as [`file`](super::file) reads it.

use runloom_domain::{ApprovalPolicy, Generation, Limits, NanoUsd, OnOverflow, Persona};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A file with the settings that aren't the defaults, each on a line of its own as JSON, which
/// is YAML too, and the prompt. White space around the prompt is lost.
pub(super) fn file(persona: &Persona, is_default: bool) -> String {
    let mut text = "---\n".to_owned();
    for (key, value) in settings(persona, is_default) {
        text.extend([key, ": ", &value.to_string(), "\n"]);
    }
    text.extend(["---\n\n", persona.prompt.trim(), "\n"]);
    text
}

fn settings(persona: &Persona, is_default: bool) -> Vec<(&'static str, Value)> {
    let generation = &persona.generation;
    let usual = Generation::default();
    vec![
        ("key", json!(persona.id.key)),
        ("version", json!(persona.id.version)),
        ("default", unless_usual(&is_default, &false)),
        ("route_id", json!(persona.route_id)),
        ("model", json!(persona.model)),
        ("tools", unless_usual(&persona.tools, &Vec::new())),
        ("http_allow", unless_usual(&persona.http_allow, &Vec::new())),
        (
            "approvals",
            unless_usual(&persona.approvals, &ApprovalPolicy::default()),
        ),
        ("limits", limits(&persona.limits)),
        ("temperature", json!(generation.temperature)),
        ("top_p", json!(generation.top_p)),
        ("stop", unless_usual(&generation.stop, &usual.stop)),
        ("reasoning_effort", json!(generation.reasoning_effort)),
        ("response_format", json!(generation.response_format)),
        (
            "on_overflow",
            unless_usual(&persona.on_overflow, &OnOverflow::default()),
        ),
        (
            "prompt_caching",
            unless_usual(&generation.prompt_caching, &usual.prompt_caching),
        ),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_null())
    .collect()
}

fn unless_usual<T: Serialize + PartialEq>(value: &T, usual: &T) -> Value {
    if value == usual {
        Value::Null
    } else {
        json!(value)
    }
}

/// The limits that aren't the defaults, as people write them: the cost in dollars.
fn limits(limits: &Limits) -> Value {
    let (Value::Object(all), Value::Object(usual)) = (json!(limits), json!(Limits::default()))
    else {
        return Value::Null;
    };
    let changed: Map<String, Value> = all
        .into_iter()
        .filter(|(key, value)| usual.get(key) != Some(value))
        .map(|(key, value)| match key.as_str() {
            "max_cost" => ("max_cost_usd".to_owned(), json!(dollars(limits.max_cost))),
            _ => (key, value),
        })
        .collect();
    if changed.is_empty() {
        Value::Null
    } else {
        Value::Object(changed)
    }
}

/// Exactly, as a decimal number in a text.
fn dollars(cost: NanoUsd) -> String {
    let nanos = cost.as_nanos();
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::PersonaSettings;
    use super::super::file::parse;

    fn read(text: &str) -> PersonaSettings {
        parse(Path::new("persona.md"), text).unwrap()
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let rich = r##"---
key: clerk
version: "no"
default: true
route_id: main
model: "m: 1"
tools: [calculator, ask_user]
http_allow: ["api.example.com", "https://example.org/docs/*"]
approvals: { default: ask, tools: { calculator: auto } }
limits: { max_steps: 3, max_cost_usd: "0.000000001", waiting_seconds: 0 }
temperature: 0.5
top_p: 0.9
stop: ["---\n", "#"]
reasoning_effort: low
response_format: { name: answer, schema: { type: object } }
on_overflow: summarise
prompt_caching: false
---
You are a clerk.

--- Not the end: "{{name}}" ---
"##;
        for text in [rich, "---\nkey: plain\n---\nx\n"] {
            let first = read(text);
            let again = read(&super::file(&first.to_persona(), first.default));
            assert_eq!(again.to_persona(), first.to_persona());
            assert_eq!(again.default, first.default);
        }
    }

    #[test]
    fn defaults_are_left_out() {
        let plain = read("---\nkey: plain\n---\nx\n");
        let written = super::file(&plain.to_persona(), false);
        assert_eq!(written, "---\nkey: \"plain\"\nversion: \"1\"\n---\n\nx\n");
    }
}
