//! The schema's history on PostgreSQL.

use std::time::Duration;

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::MigrationHarness;
use runloom_store::StoreError;
use tokio::runtime::Handle;

use super::connect::{self, Target};
use super::report::Report;
use super::roles::{self, DatabaseRoles};
use super::{Conn, RunQueryDsl, error};
use crate::migrations::{self, POSTGRES};

/// Nodes that start together migrate one after the other. The number is ours by chance: the
/// text "runloom!" in ASCII. It ends with the connection, however the migration ends.
const LOCK: &str = "SELECT pg_advisory_lock(8247338199357352225)";

/// A node that waits for another's migrations says so after this time, and then again and again.
const SAY_SO: Duration = Duration::from_secs(3);

/// A migration that waits for a table makes everybody wait who comes after it. So it soon gives
/// way and comes again.
const GIVE_WAY: &str = "SET lock_timeout = '3s'";

/// Lets the server notice in the middle of a long statement that the node which sent it is gone.
/// Servers on some systems refuse the setting, and then notice at the statement's end.
const NOTICE: &str = "SET client_connection_check_interval = '5s'";

/// How often a migration is tried that has to give way, and the pause before each further try.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_secs(2);

/// What opening a database has come to.
pub(crate) struct Migrated {
    /// The migrations that were run.
    pub(super) ran: Vec<String>,
    pub(super) roles: DatabaseRoles,
    pub(super) report: Report,
}

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
pub(crate) async fn migrate(url: &str) -> Result<Vec<String>, StoreError> {
    let target = Target::parse(url, Handle::current())?;
    let migrated = on(&target, Purpose::Serving).await?;
    Ok(migrated.ran)
}

/// Migrates, unless the server is unfit.
pub(crate) async fn on(target: &Target, purpose: Purpose) -> Result<Migrated, StoreError> {
    let unavailable = |error: diesel::ConnectionError| StoreError::Unavailable(error.into());
    let mut c = target
        .connect(connect::Purpose::Migrations)
        .await
        .map_err(unavailable)?;
    let report = Report::of(&mut c).await?;
    report.refuse()?;
    report.warn();
    if let Err(error) = c.batch_execute(NOTICE).await {
        tracing::debug!(%error, "the server doesn't look after its clients during a statement");
    }
    lock(&mut c).await?;
    if purpose == Purpose::Serving {
        refuse_unfinished(&mut c).await?;
    }
    c.batch_execute(GIVE_WAY)
        .await
        .map_err(error::of_statement)?;
    // The harness blocks, which only a thread for blocking work may.
    let migrated = tokio::task::spawn_blocking(move || run(c)).await;
    let (mut c, ran) = migrated.map_err(|error| StoreError::Unavailable(error.into()))??;
    let roles = roles::prepare(&mut c).await.map_err(error::of_statement)?;
    Ok(Migrated { ran, roles, report })
}

/// Waits for other nodes' migrations.
async fn lock(c: &mut Conn) -> Result<(), StoreError> {
    let mut locking = std::pin::pin!(c.batch_execute(LOCK));
    loop {
        if let Ok(locked) = tokio::time::timeout(SAY_SO, &mut locking).await {
            return locked.map_err(error::of_statement);
        }
        tracing::warn!("another node migrates the database; waiting for it");
    }
}

fn run(c: Conn) -> Result<(Conn, Vec<String>), StoreError> {
    let mut harness = AsyncMigrationHarness::new(c);
    let applied = harness
        .applied_migrations()
        .map_err(StoreError::Unavailable)?;
    migrations::refuse_newer::<Pg>(&POSTGRES, &applied)?;
    let mut ran = Vec::new();
    let mut tries = 0;
    while let Err(error) = migrations::run_pending(&mut harness, POSTGRES, &mut ran) {
        tries += 1;
        if tries == TRIES || !error::gave_way(&error.to_string()) {
            return Err(StoreError::Unavailable(error));
        }
        tracing::warn!(%error, "a migration gives way to others that use its tables");
        std::thread::sleep(PAUSE);
    }
    Ok((harness.into_inner(), ran))
}

/// Whether this version may go on with the schema as it is now.
pub(super) async fn check(c: &mut Conn) -> Result<(), StoreError> {
    let (newest, needed): (Option<String>, Option<String>) =
        sql::<(Nullable<Text>, Nullable<Text>)>(migrations::STATE)
            .get_result(c)
            .await
            .map_err(error::of_statement)?;
    let known = |text: Option<String>| text.unwrap_or_default();
    migrations::check::<Pg>(&POSTGRES, &known(newest), &known(needed))
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
