//! The SQLite and PostgreSQL adapters behind Runloom's storage ports.
//!
//! The crate knows no business rules: what may happen is decided by its callers, what the ports
//! promise is checked by the contract suite of `runloom-store`. Start with
//! [`open_sqlite`] and [`open_postgres`].
//!
//! * `queries` has the statements that both databases run alike; it is compiled once for each.
//! * `sqlite` has one thread that writes, in groups, and a few that read.
//! * `postgres` has a connection for appends, lanes for creations, leases and dispatch, and a pool.
//! * `copy` moves a deployment from SQLite to PostgreSQL.
//! * `rights` takes organisations from one deployment to another, and deletes them for good.

mod copy;
mod failure;
mod fragment;
mod lane;
mod migrations;
mod newest;
mod postgres;
mod predicate;
mod rights;
mod rows;
mod schema;
mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod turn;
mod types;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::Clock;
use runloom_store::{Signals, Store, StoreError};

pub use copy::{CopyError, CopyProgress, CopyStep, copy_to_postgres};
pub use lane::Lane;
pub use postgres::{DatabaseRoles, PostgresStore};
pub use rights::{
    Deleted, ExportOptions, ImportOptions, Imported, Place, RightsError, RightsProgress,
    delete_org, delete_user, export_org, import_org,
};
pub use sqlite::{SqliteStore, back_up_sqlite};

/// How long a node owns its runs after it has last renewed its lease.
const LEASE: Duration = Duration::from_secs(15);

/// How many organisations a claim looks at, if it isn't for more runs than that.
const CLAIM_ORGS: u32 = 16;

/// How many expired runs one step of deleting goes through at most.
const DELETED_AT_ONCE: i64 = 100;

/// A store that is a database: it can be asked whether it is there, and closed.
#[async_trait]
pub trait Database: Store {
    /// The names of the migrations that were run when it was opened.
    fn migrated(&self) -> &[String];

    /// Whether the database answers and has a schema with which this version can work: its own,
    /// or a later one that still has all that this version uses.
    async fn ping(&self) -> Result<(), StoreError>;

    /// What carries hints between the nodes that share the database; `None` when it can have
    /// only one. Each call makes another.
    fn signals(&self) -> Option<Arc<dyn Signals>> {
        None
    }

    /// The ways to the database, and how busy each is.
    fn lanes(&self) -> Vec<Lane>;

    /// Waits for the writes asked for so far and closes. Later writes fail.
    async fn close(&self) -> Result<(), StoreError>;
}

/// Opens the SQLite database in a folder, making both when they aren't there, and migrates it.
///
/// Holds the folder's lock until the store is closed or dropped; `clock` decides leases and due
/// times. Blocks for some milliseconds. Fails with [`StoreError::InUse`] when another process
/// has the folder, and with [`StoreError::Unfit`] when the schema is newer than this version or
/// SQLite doesn't take the settings that make commits durable.
pub fn open_sqlite(
    folder: impl AsRef<Path>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<SqliteStore>, StoreError> {
    SqliteStore::open(folder.as_ref(), clock).map(Arc::new)
}

/// Connects to the PostgreSQL database at `url` and migrates it; nodes that start together
/// migrate one after the other.
///
/// Call it on a multi-thread runtime: the connections are driven by the runtime of this call,
/// and writes run to their end there. The store can be used from any runtime. Connections are
/// not encrypted. Fails with [`StoreError::Unfit`] when the schema is newer than this version.
pub async fn open_postgres(url: &str) -> Result<Arc<PostgresStore>, StoreError> {
    PostgresStore::open(url).await.map(Arc::new)
}

/// Brings the PostgreSQL database at `url` to the schema of this version, without opening a
/// store, and returns the names of the migrations that were run. An SQLite database is migrated
/// by opening it.
pub async fn migrate(url: &str) -> Result<Vec<String>, StoreError> {
    postgres::migrate(url).await
}
