//! Prompts with places for what a run knows.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// How long a prompt may become by what is put into it, in bytes. Many places for a long value
/// make more of it than anybody would send a model.
pub const MAX_PROMPT: usize = 256 * 1024;

/// A prompt in which `{{ name }}` stands for a value of the run's metadata.
///
/// A name has letters, digits and `_`, `.`, `-`; blanks around it don't count. `user.city` is
/// the value `city` in the object `user`. Two braces that don't begin such a place are text, and
/// `{{{{` is the text `{{`, for whoever wants to show a place instead of filling it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptTemplate<'a>(Vec<Piece<'a>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Why a prompt can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// These have no value that can be put into text: a string, a number, true or false.
    #[error("no value for: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// It would be longer than [`MAX_PROMPT`].
    #[error("the prompt is longer than {MAX_PROMPT} bytes")]
    TooLong,
}

impl<'a> PromptTemplate<'a> {
    /// Reads a prompt. Every text is one.
    pub fn parse(prompt: &'a str) -> Self {
        let mut pieces = Vec::new();
        // Where the text begins that isn't in a piece yet, and where the search goes on.
        let (mut from, mut at) = (0, 0);
        while let Some(braces) = prompt[at..].find("{{") {
            let here = at + braces;
            let Some((piece, length)) = piece(&prompt[here..]) else {
                // The second brace may begin a place with the next.
                at = here + 1;
                continue;
            };
            pieces.extend([Piece::Text(&prompt[from..here]), piece]);
            at = here + length;
            from = at;
        }
        pieces.push(Piece::Text(&prompt[from..]));
        Self(pieces)
    }

    /// The names in it, each once, in the order of their first use.
    pub fn variables(&self) -> Vec<&'a str> {
        let mut seen = BTreeSet::new();
        let names = self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(*name),
            Piece::Text(_) => None,
        });
        names.filter(|name| seen.insert(*name)).collect()
    }

    /// The prompt with values in their places. What a value contains is text, whatever it
    /// looks like.
    pub fn render(&self, metadata: &Map<String, Value>) -> Result<String, PromptError> {
        let variables = self.variables();
        let missing = variables
            .iter()
            .filter(|name| value(metadata, name).is_none());
        let missing: Vec<String> = missing.map(|name| (*name).to_owned()).collect();
        if !missing.is_empty() {
            return Err(PromptError::Missing(missing));
        }
        let mut prompt = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => prompt.push_str(text),
                Piece::Variable(name) => {
                    prompt.push_str(&value(metadata, name).unwrap_or_default());
                }
            }
            // What its author wrote is as long as it is.
            if prompt.len() > MAX_PROMPT && !variables.is_empty() {
                return Err(PromptError::TooLong);
            }
        }
        Ok(prompt)
    }
}

/// What these two braces begin, if they aren't just text, and how long it is.
fn piece(here: &str) -> Option<(Piece<'_>, usize)> {
    if here.starts_with("{{{{") {
        return Some((Piece::Text("{{"), 4));
    }
    let blank = [' ', '\t'];
    let inside = here[2..].trim_start_matches(blank);
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let after_name = inside.trim_start_matches(is_of_name);
    let name = &inside[..inside.len() - after_name.len()];
    let rest = after_name.trim_start_matches(blank).strip_prefix("}}")?;
    (!name.is_empty()).then(|| (Piece::Variable(name), here.len() - rest.len()))
}

/// The value at a dotted path, as text.
fn value(metadata: &Map<String, Value>, path: &str) -> Option<String> {
    let mut names = path.split('.');
    let first = metadata.get(names.next()?)?;
    match names.try_fold(first, |value, name| value.get(name))? {
        Value::String(text) => Some(text.clone()),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
