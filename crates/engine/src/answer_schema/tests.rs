use runloom_domain::{InputAction, RequestId, Timestamp, parse_answer};
use serde_json::json;

use super::*;

fn check(schema: &Value, content: &str) -> Result<(), String> {
    AnswerSchema::compile(schema).unwrap().check(content)
}

fn refusal(schema: &Value) -> String {
    AnswerSchema::compile(schema).err().unwrap_or_default()
}

#[test]
fn an_object_is_answered_by_json_that_fits() {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
        "required": ["name"],
        "additionalProperties": false,
    });
    for fits in [r#"{"name":"Ada"}"#, " {\"age\": 36, \"name\": \"Ada\"}\n"] {
        assert_eq!(check(&schema, fits), Ok(()));
    }
    for (misfit, because) in [
        ("Ada", "not JSON"),
        ("\"Ada\"", "object"),
        ("{}", "name"),
        (r#"{"name":"Ada","age":-1}"#, "at /age: "),
        (r#"{"name":"Ada","town":"London"}"#, "town"),
        (r#"{"name":"Ada"} and more"#, "not JSON"),
    ] {
        let error = check(&schema, misfit).unwrap_err();
        assert!(error.contains(because), "{misfit}: {error}");
    }
}

#[test]
fn a_string_is_answered_by_text_or_json() {
    let schema = json!({"type": "string", "minLength": 3, "maxLength": 5});
    for fits in ["blue", "\"blue\"", "1234", "true", "{ab}", "[1]"] {
        assert_eq!(check(&schema, fits), Ok(()), "{fits}");
    }
    for misfit in ["no", "\"no\"", "\"a\"", "purple", "7"] {
        assert!(check(&schema, misfit).is_err(), "{misfit}");
    }
    let maybe = json!({"type": ["string", "null"], "maxLength": 3});
    assert_eq!(check(&maybe, "null"), Ok(()));
    assert_eq!(check(&maybe, "yes"), Ok(()));
}

#[test]
fn listed_answers_are_taken_as_text_where_no_type_forbids_it() {
    for schema in [
        json!({"enum": ["red", "blue", 7]}),
        json!({"type": "string", "enum": ["red", "7"]}),
    ] {
        for fits in ["red", "\"red\"", "7"] {
            assert_eq!(check(&schema, fits), Ok(()), "{fits}");
        }
        assert!(check(&schema, "green").is_err());
    }
    assert!(check(&json!({"type": "integer", "enum": [7]}), "seven").is_err());
    assert!(check(&json!({"type": "integer"}), "\"7\"").is_err());
}

#[test]
fn formats_count() {
    let schema = json!({"type": "string", "format": "date"});
    assert_eq!(check(&schema, "2026-01-31"), Ok(()));
    assert!(check(&schema, "2026-01-32").is_err());
}

#[test]
fn unusable_schemas_are_refused_with_the_reason() {
    let mut deep = json!({"type": "string"});
    for _ in 0..MAX_DEPTH {
        deep = json!({ "not": deep });
    }
    let many: Vec<_> = (0..=MAX_PATTERNS)
        .map(|n| json!({"pattern": format!("{n}")}))
        .collect();
    let named: serde_json::Map<_, _> = (0..=MAX_PATTERNS)
        .map(|n| (format!("^{n}"), json!({})))
        .collect();
    for (schema, because) in [
        (json!("string"), "object"),
        (json!(true), "object"),
        (json!({"type": "text"}), "text"),
        (json!({"type": "string", "minLength": -1}), "minimum"),
        (json!({"pattern": "("}), "regex"),
        (json!({"pattern": "^(?=a)"}), "regex"),
        (json!({"pattern": "((a{100}){100}){100}"}), "regex"),
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {}}}), "$ref"),
        (
            json!({"items": {"$ref": "https://example.com/schema.json"}}),
            "$ref",
        ),
        (json!({"$ref": "file:///etc/passwd"}), "$ref"),
        (
            json!({"$schema": "https://example.com/schema.json"}),
            "example.com",
        ),
        (
            json!({"unevaluatedProperties": false}),
            "unevaluatedProperties",
        ),
        (json!({"description": "x".repeat(MAX_BYTES)}), "bytes"),
        (deep, "deep"),
        (json!({ "anyOf": many }), "17 patterns"),
        (json!({ "patternProperties": named }), "17 patterns"),
    ] {
        let error = refusal(&schema);
        assert!(error.contains(because), "{schema}: {error}");
        assert!(error.len() <= MAX_EXPLANATION);
    }
}

#[test]
fn an_explanation_is_short_and_does_not_repeat_the_answer() {
    let schema = json!({"type": "array", "items": {"type": "integer"}});
    let error = check(&schema, &json!(["s3cret".repeat(1000)]).to_string()).unwrap_err();
    assert_eq!(error, "at /0: value is not of type \"integer\"");
    let schema = json!({"additionalProperties": {"type": "integer"}});
    let error = check(&schema, &json!({ "é".repeat(5000): "x" }).to_string()).unwrap_err();
    assert!(
        error.len() <= MAX_EXPLANATION && error.ends_with('…'),
        "{error}"
    );
}

/// Without the bounds this would take hours.
#[test]
fn hard_cases_come_to_an_end() {
    let letters = "a".repeat(32 * 1024);
    let numbers: Vec<_> = (0..6000).collect();
    let nots = (0..14).fold(
        json!({"type": "integer"}),
        |inner, _| json!({"anyOf": [{ "items": inner.clone() }, inner]}),
    );
    let slow = json!({"type": "string", "pattern": "^(a+)+$|^(a|a)*b$|(a*)*c"});
    assert_eq!(check(&slow, &letters), Ok(()));
    let unique = json!({"uniqueItems": true});
    assert_eq!(check(&unique, &json!(numbers).to_string()), Ok(()));
    assert!(
        AnswerSchema::compile(&nots).is_err(),
        "its length grows with what it costs"
    );
}

#[test]
fn only_questions_with_a_usable_schema_bind_the_answer() {
    let mut request = InputRequest {
        request_id: RequestId::generate(Timestamp::from_micros(1)),
        kind: RequestKind::Question,
        tool_call_id: None,
        tool_name: None,
        arguments: None,
        arguments_digest: None,
        prompt: String::new(),
        options: Some(vec!["1".to_owned(), "2".to_owned()]),
        schema: None,
        asked_by_tool: false,
    };
    let check = |request: &InputRequest, content: &str| {
        let mut answer = parse_answer(request, content).unwrap();
        check_answer(request, &mut answer, content).map(|()| answer)
    };
    assert!(check(&request, "neither").is_ok());
    request.schema = Some(json!({"type": "integer"}));
    assert!(check(&request, "3").is_ok());
    assert!(check(&request, "neither").is_err());
    request.asked_by_tool = true;
    assert!(check(&request, r#"{"action":"decline"}"#).is_ok());
    assert!(check(&request, r#"{"action":"accept","content":"3"}"#).is_err());
    request.schema = Some(json!({"type": "string"}));
    let answer = check(&request, "3").unwrap();
    assert_eq!(answer.action, Some(InputAction::Accept("3".into())));
    request.schema = Some(json!({"type": "unheard of"}));
    assert!(check(&request, "neither").is_ok());
}
