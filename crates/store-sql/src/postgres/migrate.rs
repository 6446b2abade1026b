//! The schema's history on PostgreSQL.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::MigrationHarness;
use runloom_store::StoreError;
use tokio::runtime::Handle;

use super::connect::{self, Target};
use super::{Conn, RunQueryDsl, error};
use crate::migrations::{self, POSTGRES};

/// Nodes that start together migrate one after the other. The number is ours by chance: the
/// text "runloom!" in ASCII.
const LOCK: &str = "SELECT pg_advisory_lock(8247338199357352225)";

/// The table that is there while the database is being copied into.
pub(crate) const UNFINISHED: &str = "unfinished_copy";

/// Who wants the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A server, which must not run on half a copy.
    Serving,
    /// The copy.
    Copying,
}

/// Brings the database at `url` to the schema of this version.
pub(crate) async fn migrate(url: &str) -> Result<(), StoreError> {
    on(&Target::parse(url, Handle::current())?, Purpose::Serving).await
}

pub(crate) async fn on(target: &Target, purpose: Purpose) -> Result<(), StoreError> {
    let unavailable = |error: diesel::ConnectionError| StoreError::Unavailable(error.into());
    let mut c = target
        .connect(connect::Purpose::Migrations)
        .await
        .map_err(unavailable)?;
    warn_of_language(&mut c).await?;
    // Ends with the connection, however the migration ends.
    c.batch_execute(LOCK).await.map_err(error::of_statement)?;
    if purpose == Purpose::Serving {
        refuse_unfinished(&mut c).await?;
    }
    // The harness blocks, which only a thread for blocking work may.
    let migrated = tokio::task::spawn_blocking(move || run(c)).await;
    migrated.map_err(|error| StoreError::Unavailable(error.into()))?
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

async fn refuse_unfinished(c: &mut Conn) -> Result<(), StoreError> {
    let unfinished: bool = sql::<Bool>("SELECT to_regclass('")
        .sql(UNFINISHED)
        .sql("') IS NOT NULL")
        .get_result(c)
        .await
        .map_err(error::of_statement)?;
    if unfinished {
        return Err(StoreError::Unfit(
            "a copy into it has not been finished; do the copy again, or make the database anew"
                .to_owned(),
        ));
    }
    Ok(())
}

async fn warn_of_language(c: &mut Conn) -> Result<(), StoreError> {
    let language: String = sql::<Text>("SELECT current_setting('lc_messages')")
        .get_result(c)
        .await
        .map_err(error::of_statement)?;
    let english = ["C", "POSIX", "en"];
    if !language.is_empty() && !english.iter().any(|known| language.starts_with(known)) {
        tracing::warn!(
            db.lc_messages = language,
            "PostgreSQL's messages are not in English, so time-outs are not told from other \
             errors; set lc_messages to C for this role"
        );
    }
    Ok(())
}
