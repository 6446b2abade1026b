//! The schema's history, compiled in.

use diesel::backend::Backend;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use runloom_store::StoreError;

pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Asks for the newest migration of a database.
pub(crate) const NEWEST: &str = "SELECT max(version) FROM __diesel_schema_migrations";

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

/// Fails unless the newest migration of a database is the newest known one.
pub(crate) fn check_newest<DB: Backend>(
    known: &impl MigrationSource<DB>,
    newest: &str,
) -> Result<(), StoreError> {
    let known = versions(known)?;
    match known.last() {
        Some(last) if last == newest => Ok(()),
        last => Err(StoreError::Unfit(format!(
            "its schema is at the migration {newest}, not at {}",
            last.map_or("none", String::as_str)
        ))),
    }
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
