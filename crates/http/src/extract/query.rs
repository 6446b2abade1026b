use std::collections::BTreeMap;

use crate::error::FieldErrors;

/// The parameters of a query string. Unknown ones are passed over; known ones are strict.
pub(crate) struct QueryFields {
    /// `None` for a parameter that can't be decoded or is there twice.
    values: BTreeMap<String, Option<String>>,
    errors: FieldErrors,
}

/// Parameters that a handler takes.
pub(crate) trait FromQuery: Sized + 'static {
    /// Takes the parameters; problems are noted in `query`.
    fn from_query(query: &mut QueryFields) -> Self;
}

impl FromQuery for () {
    fn from_query(_: &mut QueryFields) -> Self {}
}

impl QueryFields {
    /// Takes a raw query string apart.
    pub(crate) fn new(raw: &str) -> Self {
        let mut values = BTreeMap::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = decode(name) else { continue };
            let value = if values.contains_key(&name) {
                None
            } else {
                decode(value)
            };
            values.insert(name, value);
        }
        Self {
            values,
            errors: FieldErrors::new(),
        }
    }

    /// A parameter that may be absent, read by `read`.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let outcome = match self.values.get(name)? {
            Some(text) => read(text),
            None => Err("must be there once, and valid UTF-8 without NUL".to_owned()),
        };
        match outcome {
            Ok(value) => Some(value),
            Err(problem) => {
                self.fail(name, problem);
                None
            }
        }
    }

    /// A comma-separated list; every item must be one of `words`.
    pub(crate) fn words<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Vec<T> {
        self.read(name, |text| {
            text.split(',')
                .map(|item| words.iter().find(|(word, _)| *word == item))
                .map(|found| found.map(|(_, meaning)| *meaning))
                .collect::<Option<Vec<T>>>()
                .ok_or_else(|| {
                    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                    format!("must be a comma-separated list of {}", words.join(", "))
                })
        })
        .unwrap_or_default()
    }

    /// A switch: `0` or `1`.
    pub(crate) fn switch(&mut self, name: &str) -> Option<bool> {
        self.read(name, |text| match text {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err("must be 0 or 1".to_owned()),
        })
    }

    /// Whether a parameter is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Notes that a parameter is wrong.
    pub(crate) fn fail(&mut self, name: &str, problem: impl Into<String>) {
        self.errors.insert(name.to_owned(), problem.into());
    }

    /// All problems.
    pub(crate) fn finish(self) -> FieldErrors {
        self.errors
    }
}

/// Undoes percent-encoding; `None` when that isn't UTF-8 without NUL.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_refuses() {
        assert_eq!(decode("a+b%C3%A9%2c"), Some("a bé,".to_owned()));
        for bad in ["%", "%f", "%zz", "%FF", "%00"] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn repeated_parameters_are_refused_when_they_are_known() {
        let mut query = QueryFields::new("a=1&a=1&b=1&x=1&x=2&flag");
        assert_eq!(query.switch("a"), None);
        assert_eq!(query.switch("b"), Some(true));
        assert_eq!(query.switch("flag"), None);
        assert_eq!(query.finish().len(), 2);
    }

    #[test]
    fn lists_take_known_words_only() {
        let words = [("x", 1), ("y", 2)];
        assert_eq!(QueryFields::new("s=y,x").words("s", &words), [2, 1]);
        for bad in ["s=z", "s=x,", "s="] {
            let mut query = QueryFields::new(bad);
            query.words("s", &words);
            assert_eq!(query.finish().len(), 1, "{bad:?}");
        }
    }
}
