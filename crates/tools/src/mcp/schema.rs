//! Schemas that come from others. They go to models and to the check of arguments, so what
//! could make either of them run forever, or fetch something, is refused here.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// How deep a schema may nest; no argument that a model can fill in comes near it.
const DEEPEST: usize = 32;

/// How many bytes of JSON one schema may have.
const LARGEST: usize = 64 * 1024;

/// Why a schema isn't used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SchemaError {
    #[error("its schema is no schema of an object")]
    NoObject,
    #[error("its schema nests deeper than {DEEPEST} levels")]
    TooDeep,
    #[error("its schema has more than {LARGEST} bytes")]
    TooLarge,
    #[error("its schema refers to something outside of itself: {0}")]
    Remote(String),
    #[error("its schema refers to something that isn't there: {0}")]
    Dangling(String),
    #[error("its schema refers to itself: {0}")]
    Cycle(String),
}

/// Whether a schema can be used.
pub(super) fn check(schema: &Map<String, Value>) -> Result<(), SchemaError> {
    match schema.get("type") {
        None => {}
        Some(Value::String(kind)) if kind == "object" => {}
        Some(_) => return Err(SchemaError::NoObject),
    }
    let root = Value::Object(schema.clone());
    depth(&root, 0)?;
    if root.to_string().len() > LARGEST {
        return Err(SchemaError::TooLarge);
    }
    let mut walk = Walk {
        root: &root,
        open: Vec::new(),
        done: HashSet::new(),
    };
    walk.value(&root)
}

fn depth(value: &Value, level: usize) -> Result<(), SchemaError> {
    if level > DEEPEST {
        return Err(SchemaError::TooDeep);
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| depth(item, level + 1)),
        Value::Object(items) => items.values().try_for_each(|item| depth(item, level + 1)),
        _ => Ok(()),
    }
}

/// Follows references depth first. A reference is followed once, so the walk ends.
struct Walk<'a> {
    root: &'a Value,
    /// The references that we are inside of.
    open: Vec<&'a str>,
    done: HashSet<&'a str>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, value: &'a Value) -> Result<(), SchemaError> {
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.value(item)),
            Value::Object(items) => items.iter().try_for_each(|(key, item)| match item {
                Value::String(to) if is_reference(key) => self.reference(to),
                item => self.value(item),
            }),
            _ => Ok(()),
        }
    }

    fn reference(&mut self, to: &'a str) -> Result<(), SchemaError> {
        if self.open.contains(&to) || to == "#" {
            return Err(SchemaError::Cycle(shown(to)));
        }
        if !self.done.insert(to) {
            return Ok(());
        }
        if self.open.len() >= DEEPEST {
            return Err(SchemaError::TooDeep);
        }
        let Some(pointer) = to.strip_prefix('#') else {
            return Err(SchemaError::Remote(shown(to)));
        };
        let target = self.root.pointer(pointer);
        let target = target.ok_or_else(|| SchemaError::Dangling(shown(to)))?;
        self.open.push(to);
        let walked = self.value(target);
        self.open.pop();
        walked
    }
}

fn is_reference(key: &str) -> bool {
    matches!(key, "$ref" | "$dynamicRef" | "$recursiveRef")
}

/// Enough of a reference to find it.
fn shown(reference: &str) -> String {
    reference.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(schema: Value) -> Result<(), SchemaError> {
        let Value::Object(schema) = schema else {
            panic!("no object")
        };
        check(&schema)
    }

    #[test]
    fn what_is_common_passes() {
        checked(json!({})).unwrap();
        checked(json!({"type": "object", "properties": {"a": {"type": "string"}}})).unwrap();
        let shared = json!({
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/b"}, "c": {"$ref": "#/$defs/b"}},
            "$defs": {"b": {"items": {"$ref": "#/$defs/d"}}, "d": {"type": "string"}},
        });
        checked(shared).unwrap();
    }

    #[test]
    fn a_property_may_be_called_ref() {
        checked(json!({"properties": {"$ref": {"type": "string"}}})).unwrap();
    }

    #[test]
    fn a_cycle_is_found_however_long() {
        let short = json!({"properties": {"a": {"$ref": "#"}}});
        assert_eq!(checked(short), Err(SchemaError::Cycle("#".into())));
        let long = json!({
            "properties": {"a": {"$ref": "#/$defs/a"}},
            "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}},
        });
        assert!(matches!(checked(long), Err(SchemaError::Cycle(_))));
    }

    #[test]
    fn nothing_is_fetched_or_missing() {
        let remote = json!({"properties": {"a": {"$ref": "http://169.254.169.254/x"}}});
        assert_eq!(
            checked(remote),
            Err(SchemaError::Remote("http://169.254.169.254/x".into()))
        );
        let missing = json!({"properties": {"a": {"$ref": "#/$defs/a"}}});
        assert_eq!(
            checked(missing),
            Err(SchemaError::Dangling("#/$defs/a".into()))
        );
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = (0..40).fold(json!({}), |inner, _| json!({"items": inner}));
        assert_eq!(checked(deep), Err(SchemaError::TooDeep));
        let large = json!({"description": "x".repeat(LARGEST)});
        assert_eq!(checked(large), Err(SchemaError::TooLarge));
        assert_eq!(
            checked(json!({"type": "string"})),
            Err(SchemaError::NoObject)
        );
    }
}
