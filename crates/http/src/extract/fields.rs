use std::ops::RangeInclusive;
use std::str::FromStr;

use runloom_domain::text::is_name;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::FieldErrors;

/// How long a text may be.
#[derive(Clone, Copy)]
pub(crate) enum Size {
    /// Bytes of UTF-8.
    Bytes(usize, usize),
    /// Characters.
    Chars(usize, usize),
}

impl Size {
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        let (length, min, max, unit) = match self {
            Self::Bytes(min, max) => (text.len(), min, max, "bytes of UTF-8"),
            Self::Chars(min, max) => (text.chars().count(), min, max, "characters"),
        };
        if length < min {
            Err("must not be empty".to_owned())
        } else if length > max {
            Err(format!("has {length} {unit}, at most {max} are allowed"))
        } else {
            Ok(())
        }
    }
}

/// A JSON object that is taken apart field by field. Problems are gathered, so that a client
/// is told of all of them; what a reader returns after a problem is never used.
pub(crate) struct Fields {
    object: Map<String, Value>,
    prefix: String,
    errors: FieldErrors,
}

impl Fields {
    /// The fields of a whole body.
    pub(crate) fn new(object: Map<String, Value>) -> Self {
        Self {
            object,
            prefix: String::new(),
            errors: FieldErrors::new(),
        }
    }

    /// All problems, unknown fields included.
    pub(crate) fn finish(mut self) -> FieldErrors {
        self.refuse_rest();
        self.errors
    }

    fn refuse_rest(&mut self) {
        for name in std::mem::take(&mut self.object)
            .into_iter()
            .map(|(name, _)| name)
        {
            self.fail(&name, "is not a field of this request");
        }
    }

    /// Notes that a field is wrong.
    pub(crate) fn fail(&mut self, name: &str, problem: impl Into<String>) {
        let path = format!("{}{name}", self.prefix);
        self.errors.insert(path, problem.into());
    }

    /// A field's value as it is; null counts as absent.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    /// Whether the body has the field, be it null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Reads a field by `read`, which says what is wrong with it.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(name)?;
        match read(value) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.fail(name, problem);
                None
            }
        }
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&mut self, name: &str, size: Size) -> Option<String> {
        self.read(name, |value| match value {
            Value::String(text) => size.check(&text).map(|()| text),
            _ => Err("must be a string".to_owned()),
        })
    }

    /// A text that must be there.
    pub(crate) fn text(&mut self, name: &str, size: Size) -> String {
        self.required(name);
        self.optional_text(name, size).unwrap_or_default()
    }

    /// Notes that a field is missing, if it is.
    pub(crate) fn required(&mut self, name: &str) {
        if self.object.get(name).is_none_or(Value::is_null) {
            self.fail(name, "is missing");
        }
    }

    /// Something that is written as a string, such as an id or a time.
    pub(crate) fn parsed<T: FromStr<Err: ToString>>(&mut self, name: &str) -> Option<T> {
        self.read(name, |value| match value {
            Value::String(text) => text.parse().map_err(|problem: T::Err| problem.to_string()),
            _ => Err("must be a string".to_owned()),
        })
    }

    /// One of several words.
    pub(crate) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        self.read(name, |value| {
            let known = words.iter().find(|(word, _)| value.as_str() == Some(word));
            known.map(|(_, meaning)| *meaning).ok_or_else(|| {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                format!("must be one of {}", words.join(", "))
            })
        })
    }

    /// A name of a route, a persona or a version.
    pub(crate) fn name(&mut self, name: &str) -> Option<String> {
        self.read(name, |value| match value {
            Value::String(text) if is_name(&text) => Ok(text),
            _ => Err("must be 1 to 64 letters, digits and . _ : -, \
                the first a letter or a digit"
                .to_owned()),
        })
    }

    /// True or false.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, |value| {
            let flag = value.as_bool();
            flag.ok_or_else(|| "must be true or false".to_owned())
        })
    }

    /// A number within bounds.
    pub(crate) fn number(&mut self, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        self.read(name, |value| {
            let number = value.as_f64().filter(|number| range.contains(number));
            let (min, max) = range.into_inner();
            number.ok_or_else(|| format!("must be a number from {min} to {max}"))
        })
    }

    /// Texts in an array of at most `max`, each of this size.
    pub(crate) fn texts(&mut self, name: &str, max: usize, size: Size) -> Option<Vec<String>> {
        let problem = "must be an array of strings";
        self.read(name, |value| {
            let texts: Vec<String> = serde_json::from_value(value).map_err(|_| problem)?;
            if texts.len() > max {
                return Err(format!(
                    "has {} items, at most {max} are allowed",
                    texts.len()
                ));
            }
            for (index, text) in texts.iter().enumerate() {
                size.check(text)
                    .map_err(|problem| format!("item {index} {problem}"))?;
            }
            Ok(texts)
        })
    }

    /// A value of a known form, which `check` looks at once more.
    pub(crate) fn formed<T: DeserializeOwned>(
        &mut self,
        name: &str,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Option<T> {
        self.read(name, |value| {
            let formed: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
            check(&formed).map(|()| formed)
        })
    }

    /// A field of a change: `None` when it is absent; `Some(None)` when it is null.
    #[expect(
        clippy::option_option,
        reason = "the outer one says whether to change, the inner one is the value"
    )]
    pub(crate) fn change<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        self.has(name).then(|| read(self, name))
    }

    /// A whole number from 1 to `max`.
    pub(crate) fn count(&mut self, name: &str, max: u64) -> Option<u64> {
        self.read(name, |value| {
            let number = value.as_u64().filter(|n| (1..=max).contains(n));
            number.ok_or_else(|| format!("must be an integer from 1 to {max}"))
        })
    }

    /// An object that is kept as it is, as its JSON text of at most `max` bytes.
    pub(crate) fn object(&mut self, name: &str, max: usize) -> Option<String> {
        self.read(name, |value| {
            if !value.is_object() {
                return Err("must be an object".to_owned());
            }
            let text = value.to_string();
            let length = text.len();
            (length <= max)
                .then_some(text)
                .ok_or_else(|| format!("has {length} bytes of JSON, at most {max} are allowed"))
        })
    }

    /// An object whose fields are read by `read`.
    pub(crate) fn nested<T: Default>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let Some(object) = self.read(name, |value| match value {
            Value::Object(object) => Ok(object),
            _ => Err("must be an object".to_owned()),
        }) else {
            return T::default();
        };
        let mut inner = Self {
            object,
            prefix: format!("{}{name}.", self.prefix),
            errors: FieldErrors::new(),
        };
        let outcome = read(&mut inner);
        self.errors.extend(inner.finish());
        outcome
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(body: Value) -> Fields {
        let Value::Object(object) = body else {
            panic!("an object")
        };
        Fields::new(object)
    }

    #[test]
    fn every_problem_is_named() {
        let mut fields = fields(json!({
            "title": 7, "mode": "x", "extra": 1, "limits": {"steps": 0, "more": null}
        }));
        fields.optional_text("title", Size::Chars(1, 3));
        fields.text("content", Size::Bytes(1, 3));
        fields.word("mode", &[("a", 1), ("b", 2)]);
        fields.nested("limits", |limits| limits.count("steps", 9));
        let errors = fields.finish();
        let names: Vec<_> = errors.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "content",
                "extra",
                "limits.more",
                "limits.steps",
                "mode",
                "title"
            ]
        );
    }

    #[test]
    fn sizes_are_counted_in_their_unit() {
        let long = "𝄞".repeat(3);
        let mut ok = fields(json!({"a": long, "b": long, "c": null}));
        assert_eq!(ok.text("a", Size::Bytes(1, 12)), long);
        assert_eq!(ok.text("b", Size::Chars(1, 3)), long);
        assert_eq!(ok.optional_text("c", Size::Chars(1, 3)), None);
        assert!(ok.finish().is_empty());
        let mut bad = fields(json!({"a": long}));
        bad.text("a", Size::Bytes(1, 11));
        assert_eq!(
            bad.finish()["a"],
            "has 12 bytes of UTF-8, at most 11 are allowed"
        );
    }
}
