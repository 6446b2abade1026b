//! The schema of a tool's arguments, and whether a call fits it.
//!
//! It comes from a tool's author, who may be anybody. References are written out before the
//! schema is compiled, up to a bound, so that a check costs no more than the schema is long;
//! where one leads in a circle, or says more than the bound allows, anything fits. What looks at
//! a whole object again (`unevaluatedProperties`) is left out: the tool looks for itself.

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

use crate::answer_schema::explain;

/// How many values a schema may hold when its references are written out.
const MAX_VALUES: usize = 20_000;

/// How deep it may be nested then.
const MAX_DEPTH: usize = 64;

/// The largest compiled regular expression, in bytes.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;

/// How many misfits are told at once.
const MAX_MISFITS: usize = 3;

/// Keywords that are left out: names for references, and what looks again at all that lies inside.
const LEFT_OUT: [&str; 9] = [
    "$defs",
    "definitions",
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveRef",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// A schema that arguments can be checked against.
#[derive(Debug)]
pub(crate) struct ArgumentSchema {
    validator: Validator,
    required: Vec<String>,
}

impl ArgumentSchema {
    /// Compiles a schema, or says why that can't be done.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let mut expanding = Expanding {
            root: schema,
            open: Vec::new(),
            left: MAX_VALUES,
        };
        let schema = expanding.schema(schema, 0)?;
        let required = schema["required"].as_array().into_iter().flatten();
        let required = required.filter_map(Value::as_str).map(str::to_owned);
        let validator = jsonschema::options()
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN_BYTES))
            .should_validate_formats(false)
            .build(&schema)
            .map_err(|error| explain(&error, &error.to_string()))?;
        Ok(Self {
            required: required.collect(),
            validator,
        })
    }

    /// Whether the arguments fit; else the places where they don't, and why. Models send null for
    /// what they leave out, so that counts as left out.
    pub(crate) fn check(&self, arguments: &Value) -> Result<(), String> {
        if self.validator.is_valid(arguments) {
            return Ok(());
        }
        let said = self.without_nulls(arguments);
        let misfits: Vec<_> = self
            .validator
            .iter_errors(&said)
            .take(MAX_MISFITS)
            .map(|error| explain(&error, &error.to_string()))
            .collect();
        if misfits.is_empty() {
            return Ok(());
        }
        Err(misfits.join("; "))
    }

    fn without_nulls(&self, arguments: &Value) -> Value {
        let mut said = arguments.clone();
        if let Some(members) = said.as_object_mut() {
            members.retain(|name, value| !value.is_null() || self.required.contains(name));
        }
        said
    }
}

/// Whether calls can be checked against the schema of a tool's arguments, or why not.
pub fn check_argument_schema(schema: &Value) -> Result<(), String> {
    ArgumentSchema::compile(schema).map(|_| ())
}

/// Writes references out.
struct Expanding<'a> {
    root: &'a Value,
    /// The references that are being written out now.
    open: Vec<String>,
    left: usize,
}

impl Expanding<'_> {
    fn schema(&mut self, schema: &Value, depth: usize) -> Result<Value, String> {
        self.spend(1)?;
        if depth > MAX_DEPTH {
            return Err(format!("it is nested more than {MAX_DEPTH} deep"));
        }
        match schema {
            Value::Array(items) => items
                .iter()
                .map(|item| self.schema(item, depth + 1))
                .collect(),
            Value::Object(members) => self.members(members, depth),
            plain => Ok(plain.clone()),
        }
    }

    fn members(&mut self, members: &Map<String, Value>, depth: usize) -> Result<Value, String> {
        let mut written = Map::new();
        for (name, value) in members {
            let value = match name.as_str() {
                "$ref" => continue,
                left_out if LEFT_OUT.contains(&left_out) => continue,
                "properties" | "patternProperties" | "dependentSchemas" => {
                    self.named(value, depth)?
                }
                "enum" | "const" | "default" | "examples" | "required" => self.plain(value)?,
                _ => self.schema(value, depth + 1)?,
            };
            written.insert(name.clone(), value);
        }
        let Some(reference) = members.get("$ref").and_then(Value::as_str) else {
            return Ok(Value::Object(written));
        };
        let target = self.target(reference, depth)?;
        if written.is_empty() {
            return Ok(target);
        }
        let all = written
            .entry("allOf")
            .or_insert_with(|| Value::Array(vec![]));
        if let Value::Array(all) = all {
            all.push(target);
        }
        Ok(Value::Object(written))
    }

    /// An object whose members are schemas, whatever they are called.
    fn named(&mut self, value: &Value, depth: usize) -> Result<Value, String> {
        let Value::Object(members) = value else {
            return self.plain(value);
        };
        members
            .iter()
            .map(|(name, schema)| Ok((name.clone(), self.schema(schema, depth + 1)?)))
            .collect::<Result<Map<_, _>, String>>()
            .map(Value::Object)
    }

    /// A value that is no schema.
    fn plain(&mut self, value: &Value) -> Result<Value, String> {
        self.spend(1 + value.as_array().map_or(0, Vec::len))?;
        Ok(value.clone())
    }

    fn target(&mut self, reference: &str, depth: usize) -> Result<Value, String> {
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err("it refers to another document".to_owned());
        };
        if self.open.iter().any(|open| open == pointer) {
            return Ok(Value::Bool(true));
        }
        let root = self.root;
        let target = root
            .pointer(pointer)
            .ok_or_else(|| format!("there is nothing at {reference:?}"))?;
        self.open.push(pointer.to_owned());
        let written = self.schema(target, depth + 1);
        self.open.pop();
        written
    }

    fn spend(&mut self, values: usize) -> Result<(), String> {
        let left = self.left.checked_sub(values);
        self.left = left.ok_or("it is too large")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, arguments: &Value) -> Result<(), String> {
        ArgumentSchema::compile(schema).unwrap().check(arguments)
    }

    #[test]
    fn the_place_of_a_misfit_is_told() {
        let schema = json!({"type": "object", "required": ["to"], "properties": {
            "to": {"type": "array", "items": {"type": "string"}}, "cc": {"type": "string"},
        }});
        assert_eq!(check(&schema, &json!({"to": ["a"]})), Ok(()));
        let misfit = check(&schema, &json!({"to": ["a", 7]})).unwrap_err();
        assert!(misfit.contains("/to/1"), "{misfit}");
        let misfit = check(&schema, &json!({})).unwrap_err();
        assert!(misfit.contains("\"to\""), "{misfit}");
    }

    #[test]
    fn null_counts_as_left_out() {
        let schema = json!({"required": ["a"], "properties": {
            "a": {"type": "string"}, "b": {"type": "string"},
        }});
        assert_eq!(check(&schema, &json!({"a": "x", "b": null})), Ok(()));
        assert!(check(&schema, &json!({"a": null})).is_err());
    }

    #[test]
    fn references_are_followed_and_circles_are_not() {
        let schema = json!({
            "$ref": "#/$defs/node", "description": "A tree.",
            "$defs": {"node": {"type": "object", "properties": {
                "name": {"$ref": "#/$defs/name"}, "next": {"$ref": "#/$defs/node"},
            }}, "name": {"type": "string", "default": {"$ref": "not a reference"}}},
        });
        assert_eq!(
            check(&schema, &json!({"name": "a", "next": {"name": 7}})),
            Ok(())
        );
        let misfit = check(&schema, &json!({"name": 7})).unwrap_err();
        assert!(misfit.contains("/name"), "{misfit}");
        let property = json!({"properties": {"$ref": {"type": "string"}}});
        assert!(check(&property, &json!({"$ref": 7})).is_err());
    }

    #[test]
    fn a_schema_that_grows_without_end_is_refused_at_once() {
        let mut definitions = Map::new();
        for index in 0..40 {
            let next = format!("#/$defs/{}", index + 1);
            let twice = json!({"allOf": [{"$ref": next}, {"$ref": next}]});
            definitions.insert(index.to_string(), twice);
        }
        definitions.insert("40".into(), json!({}));
        let schema = json!({"$ref": "#/$defs/0", "$defs": definitions});
        assert!(ArgumentSchema::compile(&schema).is_err());
        for bad in [
            json!({"$ref": "http://a/b"}),
            json!({"$ref": "#/no"}),
            json!({"type": 7}),
        ] {
            assert!(ArgumentSchema::compile(&bad).is_err(), "{bad}");
        }
    }
}
