//! Both databases have the same history: a migration of one name in each folder. What takes away
//! something that programs of the version before use stands in a migration that says so.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Words of statements after which a program of the version before may fail: a statement that
/// has both, in upper case.
const CONTRACTING: &[(&str, &str)] = &[
    ("ALTER TABLE", " DROP COLUMN "),
    ("DROP TABLE", " "),
    ("RENAME", "TO"),
    ("ALTER COLUMN", " TYPE "),
    ("ALTER COLUMN", "SET NOT NULL"),
    ("REVOKE", "FROM"),
];

/// The first migration that is bound by this: those before it were never upgraded to.
const FIRST: &str = "0005";

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut violations = check_names(files);
    // An SQLite file has one program at a time.
    let shared =
        |file: &&PathBuf| file.ends_with("up.sql") && file.starts_with("migrations/postgres");
    for file in files.iter().filter(shared) {
        let text = std::fs::read_to_string(root.join(file))
            .with_context(|| format!("can't read {}", file.display()))?;
        violations.extend(check_text(file, &text));
    }
    Ok(violations)
}

/// Whether a migration contracts and its name say the same.
fn check_text(file: &Path, text: &str) -> Vec<String> {
    let folder = file.parent().and_then(Path::file_name);
    let name = folder
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    if *name < *FIRST {
        return Vec::new();
    }
    let shown = file.display();
    let code = text
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    let code = code.collect::<Vec<_>>().join(" ").to_uppercase();
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let takes = code.split(';').find_map(|statement| {
        let has =
            |words: &&(&str, &str)| statement.contains(words.0) && statement.contains(words.1);
        CONTRACTING.iter().find(has)
    });
    let raises = code.contains("UPDATE COMPATIBLE_FROM");
    match (name.ends_with("_contract"), takes) {
        (false, Some((verb, of))) => vec![format!(
            "{shown}: `{verb} … {}` breaks programs of the version before; see \
             migrations/README.md",
            of.trim()
        )],
        (true, _) if !raises => vec![format!(
            "{shown} takes something away and doesn't raise compatible_from"
        )],
        _ => Vec::new(),
    }
}

fn check_names(files: &[PathBuf]) -> Vec<String> {
    let sqlite = names(files, "migrations/sqlite");
    let postgres = names(files, "migrations/postgres");
    let missing = |from: &BTreeSet<PathBuf>, other: &BTreeSet<PathBuf>, folder: &str| {
        from.difference(other)
            .map(|name| format!("migrations/{folder} lacks {}", name.display()))
            .collect::<Vec<_>>()
    };
    let mut violations = missing(&sqlite, &postgres, "postgres");
    violations.extend(missing(&postgres, &sqlite, "sqlite"));
    violations
}

/// The `.sql` files below `folder`, relative to it.
fn names(files: &[PathBuf], folder: &str) -> BTreeSet<PathBuf> {
    files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "sql"))
        .filter_map(|file| file.strip_prefix(folder).ok())
        .map(Path::to_path_buf)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_of_one_database_only_is_named() {
        let files: Vec<PathBuf> = [
            "migrations/sqlite/0001_runs/up.sql",
            "migrations/postgres/0001_runs/up.sql",
            "migrations/postgres/0002_more/up.sql",
            "migrations/README.md",
        ]
        .map(PathBuf::from)
        .to_vec();
        assert_eq!(
            check_names(&files),
            ["migrations/sqlite lacks 0002_more/up.sql"]
        );
    }
    #[test]
    fn what_takes_something_away_says_so() {
        let found = |name: &str, text: &str| {
            check_text(
                Path::new(&format!("migrations/postgres/{name}/up.sql")),
                text,
            )
            .len()
        };
        let drop = "ALTER TABLE runs\n drop column a;";
        let index = "DROP INDEX a; CREATE TABLE b (type text, to_run uuid);
            ALTER TABLE c DROP CONSTRAINT d; ALTER TABLE c ALTER COLUMN e DROP NOT NULL";
        assert_eq!(found("0005_more", index), 0);
        assert_eq!(
            found("0005_more", "ALTER TABLE a ALTER COLUMN b TYPE bigint"),
            1
        );
        let raise = "UPDATE compatible_from SET migration = '0005';";
        assert_eq!(found("0005_more", drop), 1);
        assert_eq!(
            found("0005_more", "CREATE TABLE a (b text); -- DROP TABLE c"),
            0
        );
        assert_eq!(found("0005_less_contract", drop), 1);
        assert_eq!(found("0005_less_contract", &format!("{drop}{raise}")), 0);
        assert_eq!(found("0004_less", drop), 0);
    }
}
