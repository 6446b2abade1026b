//! The schema that a question sets for its answer, or a persona for those of its model.
//!
//! It is written by one side and applied to what another sends, so neither is trusted: a
//! schema is small, shallow and complete in itself, and its patterns run in linear time.
//! Checking an answer so takes little time and memory, whatever the two contain. Nothing is
//! fetched or read from anywhere; the library is built without the means to.

use jsonschema::{PatternOptions, ValidationError, Validator};
use runloom_domain::{Answer, InputAction, InputRequest, RequestKind};
use serde_json::Value;

/// The longest schema, in bytes of JSON.
const MAX_BYTES: usize = 8 * 1024;

/// How deep objects and arrays may be nested in a schema.
const MAX_DEPTH: usize = 32;

/// How many regular expressions a schema may hold.
const MAX_PATTERNS: usize = 16;

/// The largest compiled regular expression, in bytes.
const MAX_PATTERN_BYTES: usize = 2 * 1024 * 1024;

/// The longest explanation of what doesn't fit, in bytes.
const MAX_EXPLANATION: usize = 500;

/// Keywords whose cost can grow exponentially with the length of the schema: references, since
/// each can be followed twice by the next, and what looks again at all that lies inside.
const REFUSED: [&str; 5] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// A schema that answers can be checked against.
#[derive(Debug)]
pub(crate) struct AnswerSchema {
    validator: Validator,
    /// Whether an answer may also be text that isn't JSON.
    takes_text: bool,
}

impl AnswerSchema {
    /// Compiles a schema, or tells its author why it can't be used.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        if !schema.is_object() {
            return Err("it must be a JSON object".to_owned());
        }
        let bytes = schema.to_string().len();
        if bytes > MAX_BYTES {
            return Err(format!(
                "it has {bytes} bytes, at most {MAX_BYTES} are allowed"
            ));
        }
        let patterns = patterns(schema, 1)?;
        if patterns > MAX_PATTERNS {
            return Err(format!(
                "it has {patterns} patterns, at most {MAX_PATTERNS} are allowed"
            ));
        }
        let validator = jsonschema::options()
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN_BYTES))
            .should_validate_formats(true)
            .build(schema)
            .map_err(|error| explain(&error, &error.to_string()))?;
        Ok(Self {
            validator,
            takes_text: takes_text(schema),
        })
    }

    /// Whether `content` is an answer: JSON that fits or, where a string is wanted, the text
    /// itself. Otherwise what doesn't fit, in a few words and without repeating the answer.
    pub(crate) fn check(&self, content: &str) -> Result<(), String> {
        let value = match serde_json::from_str(content) {
            // With quotes around it a text is JSON, and must not pass by counting the quotes.
            Ok(value @ Value::String(_)) => value,
            Ok(value) if !self.takes_text || self.validator.is_valid(&value) => value,
            Err(error) if !self.takes_text => return Err(format!("it is not JSON: {error}")),
            _ => Value::String(content.to_owned()),
        };
        self.validator
            .validate(&value)
            .map_err(|error| explain(&error, &error.masked().to_string()))
    }

    /// Whether a value fits.
    pub(crate) fn fits(&self, value: &Value) -> bool {
        self.validator.is_valid(value)
    }

    /// A value as it fits: itself or, where a string is wanted, the text that it was written as.
    fn fitted(&self, value: Value) -> Result<Value, String> {
        if self.takes_text && !self.fits(&value) && !value.is_string() {
            let text = Value::String(value.to_string());
            if self.fits(&text) {
                return Ok(text);
            }
        }
        match self.validator.validate(&value) {
            Ok(()) => Ok(value),
            Err(error) => Err(explain(&error, &error.masked().to_string())),
        }
    }

    /// Whether `content` is JSON that fits; otherwise what doesn't.
    pub(crate) fn check_json(&self, content: &str) -> Result<(), String> {
        let value: Value =
            serde_json::from_str(content).map_err(|e| format!("it is not JSON: {e}"))?;
        self.validator
            .validate(&value)
            .map_err(|error| explain(&error, &error.masked().to_string()))
    }
}

/// Whether answers can be checked against a schema, or why not: it is too large, too deep, has
/// what could take too long, or is no JSON schema.
pub fn check_answer_schema(schema: &Value) -> Result<(), String> {
    AnswerSchema::compile(schema).map(|_| ())
}

/// Checks the answer to a question that has a schema. A schema that can't be compiled is
/// refused before anybody is asked; should one be open all the same, because another version
/// has taken it, then it doesn't make its question unanswerable.
pub(crate) fn check_answer(
    request: &InputRequest,
    answer: &mut Answer,
    content: &str,
) -> Result<(), String> {
    let schema = request.schema.as_ref();
    let Some(Ok(schema)) = schema.map(AnswerSchema::compile) else {
        return Ok(());
    };
    let checked = match &mut answer.action {
        _ if request.kind != RequestKind::Question => Ok(()),
        None => schema.check(content),
        Some(InputAction::Accept(value)) => schema
            .fitted(std::mem::take(value))
            .map(|fitted| *value = fitted),
        Some(InputAction::Decline | InputAction::Cancel) => Ok(()),
    };
    checked
        .map_err(|misfit| format!("the answer does not fit the schema of the question: {misfit}"))
}

/// Counts the regular expressions, and refuses what a schema must not have.
fn patterns(schema: &Value, depth: usize) -> Result<usize, String> {
    if depth > MAX_DEPTH {
        return Err(format!("it is nested more than {MAX_DEPTH} deep"));
    }
    let mut count = 0;
    match schema {
        Value::Array(items) => {
            for item in items {
                count += patterns(item, depth + 1)?;
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                if REFUSED.contains(&name.as_str()) {
                    return Err(format!("{name} is not allowed"));
                }
                count += match (name.as_str(), value) {
                    ("pattern", Value::String(_)) => 1,
                    ("patternProperties", Value::Object(patterns)) => patterns.len(),
                    _ => 0,
                };
                count += patterns(value, depth + 1)?;
            }
        }
        _ => {}
    }
    Ok(count)
}

/// Whether the schema wants a string, or lists the answers without naming a type.
fn takes_text(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == "string",
        Some(Value::Array(names)) => names.iter().any(|name| name == "string"),
        _ => schema.get("enum").is_some() || schema.get("const").is_some(),
    }
}

/// Where something doesn't fit, and why.
pub(crate) fn explain(error: &ValidationError<'_>, why: &str) -> String {
    let mut text = match error.instance_path().as_str() {
        "" => why.to_owned(),
        path => format!("at {path}: {why}"),
    };
    if text.len() > MAX_EXPLANATION {
        text.truncate(text.floor_char_boundary(MAX_EXPLANATION - '…'.len_utf8()));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
