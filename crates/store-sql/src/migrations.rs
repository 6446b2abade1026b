//! The schema's history, compiled in, and which programs may run on it.

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use runloom_store::StoreError;

pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Asks for the newest migration of a database, and for the one that a program must know to run
/// on it.
pub(crate) const STATE: &str = "SELECT (SELECT max(version) FROM __diesel_schema_migrations), \
    (SELECT max(migration) FROM compatible_from)";

/// What a migration fails with.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Fails when the database has been migrated by a later version of this program.
pub(crate) fn refuse_newer<DB: Backend>(
    known: &impl MigrationSource<DB>,
    applied: &[MigrationVersion<'_>],
) -> Result<(), StoreError> {
    let known = versions(known)?;
    match applied
        .iter()
        .find(|version| !known.contains(&version.to_string()))
    {
        Some(version) => Err(StoreError::Unfit(format!(
            "its schema has the migration {version}, which this version doesn't know; \
             a later version has been here"
        ))),
        None => Ok(()),
    }
}

/// Runs what has not been run yet, each migration in a transaction of its own, and adds its name
/// to `ran` as soon as it is committed.
pub(crate) fn run_pending<DB: Backend>(
    harness: &mut impl MigrationHarness<DB>,
    known: EmbeddedMigrations,
    ran: &mut Vec<String>,
) -> Result<(), Error>
where
    EmbeddedMigrations: MigrationSource<DB>,
{
    for migration in harness.pending_migrations(known)? {
        let name = migration.name().to_string();
        harness.run_migration(&migration)?;
        tracing::info!(migration = name, "the schema has a further migration");
        ran.push(name);
    }
    Ok(())
}

/// Fails unless a program with the `known` migrations may run on a schema whose newest is
/// `newest`, and which has been made for programs that know `needed`.
///
/// A newer schema alone is no reason: while nodes are upgraded one after the other, the first
/// new one migrates and the old ones go on.
pub(crate) fn check<DB: Backend>(
    known: &impl MigrationSource<DB>,
    newest: &str,
    needed: &str,
) -> Result<(), StoreError> {
    let known = versions(known)?;
    let last = known.last().map_or("none", String::as_str);
    if newest < last {
        return Err(StoreError::Unfit(format!(
            "its schema is at the migration {newest}, not at {last}"
        )));
    }
    if last < needed {
        return Err(StoreError::Unfit(format!(
            "its schema is for versions that know the migration {needed}; this one ends at {last}"
        )));
    }
    Ok(())
}

/// The versions of all known migrations, in their order.
fn versions<DB: Backend>(known: &impl MigrationSource<DB>) -> Result<Vec<String>, StoreError> {
    let migrations = known.migrations().map_err(StoreError::Rejected)?;
    let mut versions: Vec<String> = migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    versions.sort();
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use diesel::pg::Pg;

    use super::*;

    fn last() -> String {
        versions::<Pg>(&POSTGRES).unwrap().pop().unwrap()
    }

    #[test]
    fn a_newer_schema_is_lived_with_until_it_is_contracted() {
        let last = last();
        let runs_on = |newest: &str, needed: &str| check::<Pg>(&POSTGRES, newest, needed).is_ok();
        assert!(runs_on(&last, "0001"));
        assert!(runs_on("9998", &last));
        assert!(!runs_on("9998", "9998"));
        assert!(!runs_on("0001", "0001"));
    }
}
