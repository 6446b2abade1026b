//! Rules on the text of source files.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A longer file holds more than one idea.
const MAX_LINES: usize = 500;

/// What must not stand in source or documents, and why. Each is put together from two pieces, so
/// that this table doesn't accuse itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        concat!("#[ig", "nore"),
        "a test that is switched off tests nothing",
    ),
    (concat!("to", "do!("), "finish it or leave it out"),
    (concat!("unimple", "mented!("), "finish it or leave it out"),
    (concat!("TO", "DO"), "finish it or leave it out"),
    (concat!("FIX", "ME"), "finish it or leave it out"),
    (concat!("XX", "X:"), "finish it or leave it out"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (
        concat!("static.cra", "tes.io"),
        "registries are named by the tools' own settings",
    ),
    (
        concat!("registry.npm", "js.org"),
        "registries are named by the tools' own settings",
    ),
    (
        concat!("files.python", "hosted.org"),
        "registries are named by the tools' own settings",
    ),
];

/// Kinds of file that people write; generated and recorded ones are left alone.
const WRITTEN: &[&str] = &[
    "rs", "py", "mjs", "md", "toml", "sql", "sh", "jinja", "json", "txt", "yml", "yaml",
];

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| is_written(file)) {
        let text = std::fs::read_to_string(root.join(file))
            .with_context(|| format!("can't read {}", file.display()))?;
        violations.extend(check_file(file, &text));
    }
    Ok(violations)
}

fn is_written(file: &Path) -> bool {
    let recorded = file.iter().any(|part| part == "snapshots");
    let known = file
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| WRITTEN.contains(&extension));
    !recorded && (known || file == Path::new(".ci/run"))
}

fn check_file(file: &Path, text: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let shown = file.display();
    if is_rust(file) {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            violations.push(format!("{shown} has {lines} lines, more than {MAX_LINES}"));
        }
        if is_crate_root(file) && !starts_with_docs(text) {
            violations.push(format!("{shown} doesn't say what the crate is for (`//!`)"));
        }
    }
    for (number, line) in text.lines().enumerate() {
        for (word, reason) in FORBIDDEN {
            if line.contains(word) {
                violations.push(format!("{shown}:{}: `{word}`: {reason}", number + 1));
            }
        }
    }
    violations
}

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

fn is_crate_root(file: &Path) -> bool {
    file.ends_with("src/lib.rs") || file.ends_with("src/main.rs")
}

fn starts_with_docs(text: &str) -> bool {
    text.trim_start().starts_with("//!")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(file: &str, text: &str) -> Vec<String> {
        check_file(Path::new(file), text)
    }

    #[test]
    fn a_crate_without_docs_is_named() {
        assert_eq!(violations("crates/a/src/lib.rs", "pub mod a;\n").len(), 1);
        assert!(violations("crates/a/src/lib.rs", "//! A.\n").is_empty());
        assert!(violations("crates/a/src/other.rs", "pub mod a;\n").is_empty());
    }

    #[test]
    fn a_long_file_is_named_and_one_at_the_limit_is_not() {
        assert_eq!(violations("a.rs", &"\n".repeat(MAX_LINES + 1)).len(), 1);
        assert!(violations("a.rs", &"\n".repeat(MAX_LINES)).is_empty());
    }

    #[test]
    fn forbidden_words_are_named_with_their_line() {
        let (word, _) = FORBIDDEN[0];
        let found = violations("a.rs", &format!("fn a() {{}}\n{word}]\n"));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.rs:2: "));
    }

    #[test]
    fn recorded_files_are_left_alone() {
        assert!(!is_written(Path::new("tests/snapshots/openapi.json")));
        assert!(is_written(Path::new(".ci/run")));
        assert!(is_written(Path::new("crates/http/src/lib.rs")));
    }
}
