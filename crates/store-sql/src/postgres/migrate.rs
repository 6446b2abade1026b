//! The schema's history on PostgreSQL.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::sql_types::Text;
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::MigrationHarness;
use runloom_store::StoreError;
use tokio::runtime::Handle;

use super::connect::{Purpose, Target};
use super::report::Report;
use super::{Conn, RunQueryDsl, error};
use crate::migrations::{self, POSTGRES};

/// Nodes that start together migrate one after the other. The number is ours by chance: the
/// text "runloom!" in ASCII.
const LOCK: &str = "SELECT pg_advisory_lock(8247338199357352225)";

/// Brings the database at `url` to the schema of this version.
pub(crate) async fn migrate(url: &str) -> Result<(), StoreError> {
    let target = Target::parse(url, Handle::current())?;
    on(&target).await.map(drop)
}

/// Migrates, unless the server is unfit; tells what it is.
pub(super) async fn on(target: &Target) -> Result<Report, StoreError> {
    let unavailable = |error: diesel::ConnectionError| StoreError::Unavailable(error.into());
    let mut c = target
        .connect(Purpose::Migrations)
        .await
        .map_err(unavailable)?;
    let report = Report::of(&mut c).await?;
    report.refuse()?;
    report.warn();
    // Ends with the connection, however the migration ends.
    c.batch_execute(LOCK).await.map_err(error::of_statement)?;
    // The harness blocks, which only a thread for blocking work may.
    let migrated = tokio::task::spawn_blocking(move || run(c)).await;
    migrated.map_err(|error| StoreError::Unavailable(error.into()))??;
    Ok(report)
}

fn run(c: Conn) -> Result<(), StoreError> {
    let mut harness = AsyncMigrationHarness::new(c);
    let applied = harness
        .applied_migrations()
        .map_err(StoreError::Unavailable)?;
    migrations::refuse_newer::<Pg>(&POSTGRES, &applied)?;
    harness
        .run_pending_migrations(POSTGRES)
        .map_err(StoreError::Unavailable)?;
    Ok(())
}

/// Whether the schema is the one that this version was made for.
pub(super) async fn check(c: &mut Conn) -> Result<(), StoreError> {
    let newest: String = sql::<Text>(migrations::NEWEST)
        .get_result(c)
        .await
        .map_err(error::of_statement)?;
    migrations::check_newest::<Pg>(&POSTGRES, &newest)
}
