//! Both databases have the same history: a migration of one name in each folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) fn check(files: &[PathBuf]) -> Vec<String> {
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
        assert_eq!(check(&files), ["migrations/sqlite lacks 0002_more/up.sql"]);
    }
}
