//! Opening the database file: the lock, the settings, the schema.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::MigrationHarness;
use runloom_domain::Clock;
use runloom_store::StoreError;

use super::readers::Readers;
use super::writer::Writer;
use super::{Conn, SqliteStore, error};
use crate::migrations::{self, SQLITE};
use crate::turn::Turn;

/// The database file in the data folder.
pub(crate) const FILE: &str = "runloom.db";

/// The file whose lock says that a process uses the database.
const LOCK: &str = "runloom.lock";

/// Reads are short; a few connections keep the processors busy.
const READERS: usize = 3;

/// FULL is what makes a commit survive a power cut. The write-ahead log is copied back every
/// 16 MiB, since each copying stops the writer for two flushes. The cache is 4 MiB; what falls
/// out of it is still in the system's. Without `temp_store`, what a savepoint may have to undo is
/// written to a file that is made and deleted for each. The timeout comes first, since already
/// the journal's mode can meet a tool that is closing the file.
pub(crate) const WRITER_SETTINGS: &str = "
PRAGMA busy_timeout = 5000;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA cache_size = -4096;
PRAGMA temp_store = MEMORY;
PRAGMA wal_autocheckpoint = 4096;
PRAGMA journal_size_limit = 67108864;";

/// A reader's cache is small: every commit of the writer empties it.
pub(crate) const READER_SETTINGS: &str = "
PRAGMA busy_timeout = 5000;
PRAGMA query_only = ON;
PRAGMA cache_size = -2048;";

pub(super) fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<SqliteStore, StoreError> {
    fs::create_dir_all(folder).map_err(unavailable)?;
    let lock = lock(&folder.join(LOCK))?;
    let path = folder.join(FILE);
    let mut writer = connect(&path)?;
    writer
        .batch_execute(WRITER_SETTINGS)
        .map_err(error::of_statement)?;
    let settings = check_settings(&mut writer)?;
    #[cfg(feature = "failpoints")]
    plant_bug(&mut writer)?;
    let migrated = migrate(&mut writer)?;
    let readers = (0..READERS)
        .map(|_| {
            let mut c = connect(&path)?;
            c.batch_execute(READER_SETTINGS)
                .map_err(error::of_statement)?;
            Ok(c)
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    settings.tell();
    Ok(SqliteStore {
        writer: Writer::start(writer, lock).map_err(unavailable)?,
        readers: Readers::start(readers).map_err(unavailable)?,
        turn: Turn::default(),
        migrated,
        clock,
        path,
    })
}

/// `RUNLOOM_PLANTED_BUG=synchronous_normal` takes the flush of each commit away, to show that a
/// power cut in a test would be noticed.
#[cfg(feature = "failpoints")]
fn plant_bug(writer: &mut Conn) -> Result<(), StoreError> {
    if std::env::var("RUNLOOM_PLANTED_BUG").as_deref() == Ok("synchronous_normal") {
        writer
            .batch_execute("PRAGMA synchronous = NORMAL")
            .map_err(error::of_statement)?;
    }
    Ok(())
}

/// The operating system frees the lock when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.display().to_string(),
        }),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

pub(crate) fn connect(path: &Path) -> Result<Conn, StoreError> {
    let name = path
        .to_str()
        .ok_or_else(|| StoreError::Unfit(format!("{} is not UTF-8", path.display())))?;
    // Not a URI, whatever the folder is called.
    let name = if name.starts_with('/') {
        name.to_owned()
    } else {
        format!("./{name}")
    };
    Conn::establish(&name).map_err(|error| StoreError::Unavailable(error.into()))
}

/// What SQLite is found to be.
struct Settings {
    version: String,
    journal: String,
    synchronous: &'static str,
}

impl Settings {
    /// Says so in one line of the log.
    fn tell(&self) {
        tracing::info!(
            db.version = self.version,
            db.journal_mode = self.journal,
            db.synchronous = self.synchronous,
            "the database is SQLite"
        );
    }
}

/// A setting that SQLite doesn't take leaves the old one without an error.
fn check_settings(c: &mut Conn) -> Result<Settings, StoreError> {
    let journal: String = pragma(sql::<Text>("PRAGMA journal_mode"), c)?;
    let synchronous: i32 = pragma(sql::<Integer>("PRAGMA synchronous"), c)?;
    if journal != "wal" || synchronous != 2 {
        return Err(StoreError::Unfit(format!(
            "SQLite is set to journal_mode {journal} and synchronous {synchronous}, \
             not to wal and 2 (full)"
        )));
    }
    Ok(Settings {
        version: pragma(sql::<Text>("SELECT sqlite_version()"), c)?,
        journal,
        synchronous: "full",
    })
}

fn pragma<'q, Q, T>(query: Q, c: &mut Conn) -> Result<T, StoreError>
where
    Q: diesel::query_dsl::LoadQuery<'q, Conn, T> + RunQueryDsl<Conn>,
{
    query.get_result(c).map_err(error::of_statement)
}

fn migrate(c: &mut Conn) -> Result<Vec<String>, StoreError> {
    let applied = c.applied_migrations().map_err(StoreError::Unavailable)?;
    migrations::refuse_newer::<Sqlite>(&SQLITE, &applied)?;
    let mut ran = Vec::new();
    migrations::run_pending(c, SQLITE, &mut ran).map_err(StoreError::Unavailable)?;
    Ok(ran)
}

/// Whether this version may go on with the schema as it is now.
pub(crate) fn check_schema(c: &mut Conn) -> Result<(), StoreError> {
    let (newest, needed): (Option<String>, Option<String>) = pragma(
        sql::<(Nullable<Text>, Nullable<Text>)>(migrations::STATE),
        c,
    )?;
    let known = |text: Option<String>| text.unwrap_or_default();
    migrations::check::<Sqlite>(&SQLITE, &known(newest), &known(needed))
}

pub(super) fn unavailable(error: std::io::Error) -> StoreError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        StoreError::Full(error.into())
    } else {
        StoreError::Unavailable(error.into())
    }
}
