use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{PersonaSettings, file};

/// Reads every persona of a folder: the files there whose names end in `.md`, in the order of
/// their names.
pub(super) fn read(folder: &Path) -> Result<Vec<PersonaSettings>> {
    let mut paths = paths(folder)
        .with_context(|| format!("can't read the folder of personas {}", folder.display()))?;
    paths.sort_by_cached_key(|path| order(&path.to_string_lossy()));
    paths.iter().map(|path| persona(path)).collect()
}

fn paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "md") && path.is_file() {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn persona(path: &Path) -> Result<PersonaSettings> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("can't read the persona {}", path.display()))?;
    file::parse(path, &text)
}

/// Sorts as people do, `clerk-10` after `clerk-9`: a run of digits counts as a number.
fn order(name: &str) -> Vec<(bool, usize, String)> {
    let runs = name
        .as_bytes()
        .chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit());
    let part = |run: &[u8]| {
        let text = String::from_utf8_lossy(run).into_owned();
        if run[0].is_ascii_digit() {
            let digits = text.trim_start_matches('0').to_owned();
            (false, digits.len(), digits)
        } else {
            (true, 0, text)
        }
    };
    runs.map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count() {
        let sorted = [
            "2.md",
            "a-9.md",
            "a-010.md",
            "a-100.md",
            "b-1-2.md",
            "b-1-10.md",
        ];
        assert!(sorted.is_sorted_by_key(|name| order(name)));
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        for version in [10, 9, 1] {
            let text = format!("---\nkey: clerk\nversion: {version}\n---\nYou are a clerk.\n");
            write(&format!("clerk-{version}.md"), &text);
        }
        write("notes.txt", "no persona");
        std::fs::create_dir(folder.path().join("old.md")).unwrap();
        let personas = read(folder.path()).unwrap();
        let versions: Vec<_> = personas.iter().map(|p| p.version.as_str()).collect();
        assert_eq!(versions, ["1", "9", "10"]);
        let missing = read(&folder.path().join("missing")).unwrap_err();
        assert!(
            missing
                .to_string()
                .starts_with("can't read the folder of personas")
        );
    }
}
