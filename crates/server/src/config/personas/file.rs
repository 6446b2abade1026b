//! A persona in a file of its own: settings in YAML between two lines `---`, then the prompt.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use serde_saphyr::{DefaultMessageFormatter, MessageFormatter as _};

use super::PersonaSettings;
use super::origin::Origin;

/// Reads the text of the file at `path`, which errors name with the line.
pub(super) fn parse(path: &Path, text: &str) -> Result<PersonaSettings> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some((front, prompt)) = split(text) else {
        bail!(
            "{}, line 1: a persona begins with its settings, between two lines `---`",
            path.display()
        );
    };
    let mut persona = settings(path, front)?;
    let origin = Origin::new(path, front);
    if persona.prompt.is_some() {
        bail!(
            "{}the prompt is what follows the settings",
            origin.at("prompt")
        );
    }
    let prompt = prompt.trim();
    if prompt.is_empty() {
        let line = front.lines().count() + 1;
        bail!(
            "{}, line {line}: no prompt follows the settings",
            path.display()
        );
    }
    persona.prompt = Some(prompt.to_owned());
    persona.origin = Some(origin);
    Ok(persona)
}

/// The settings, with the line `---` before them, by which YAML may begin and which makes its
/// line numbers those of the file; and what follows the line after them.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut lines = text.split_inclusive('\n');
    let is_rule = |line: &&str| line.trim_end() == "---";
    let mut end = lines.next().filter(is_rule)?.len();
    for line in lines {
        if is_rule(&line) {
            return Some((&text[..end], &text[end + line.len()..]));
        }
        end += line.len();
    }
    None
}

fn settings(path: &Path, front: &str) -> Result<PersonaSettings> {
    let options = serde_saphyr::options! {
        // `on` and `no` are words.
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(front, options).map_err(|error| {
        let (line, column) = error
            .location()
            .map_or((1, 1), |at| (at.line(), at.column()));
        anyhow!(
            "{}, line {line}, column {column}: {}",
            path.display(),
            DefaultMessageFormatter.format_message(&error)
        )
    })
}

#[cfg(test)]
mod tests;
