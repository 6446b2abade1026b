use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use super::Config;

/// Reads a configuration file.
pub(super) fn read(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("can't read the configuration {}", path.display()))?;
    parse(path, &text)
}

/// The same, and the defaults when there is no such file.
pub(super) fn read_if_there(path: &Path) -> Result<Config> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => {
            Err(error).with_context(|| format!("can't read the configuration {}", path.display()))
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<Config> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (line, column) = position(text, at);
        anyhow!(
            "{}, line {line}, column {column}: {}",
            path.display(),
            error.message()
        )
    })
}

/// Line and column, both from 1, of a byte offset.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}
