//! SQLite: one thread that writes, a few that read, one process per file.

mod append;
mod backup;
mod census;
mod create;
mod dialect;
mod error;
mod holds;
mod housekeeping;
mod lease;
mod meter;
pub(crate) mod open;
mod orphans;
mod ports;
#[path = "../queries/mod.rs"]
mod queries;
mod readers;
mod savepoint;
mod threads;
mod verbs;
mod writer;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use diesel::sqlite::SqliteConnection as Conn;
use futures_util::FutureExt;
use runloom_domain::Clock;
use runloom_store::StoreError;
use verbs::RunQueryDsl;

use self::dialect::Now;
#[cfg(feature = "testing")]
pub(crate) use self::open::FILE;
use self::readers::Readers;
use self::writer::Writer;
use crate::failure::{Failure, Verdict};
use crate::turn::Turn;
use crate::types::At;
use crate::{Database, Lane};

pub use self::backup::back_up_sqlite;
pub(crate) use self::queries::accounts::name_key;

/// The SQLite adapter. Made by [`open_sqlite`](crate::open_sqlite).
pub struct SqliteStore {
    /// Dropped before the writer, which frees the lock: who gets it next finds the file closed.
    readers: Readers,
    writer: Writer,
    turn: Turn,
    migrated: Vec<String>,
    clock: Arc<dyn Clock>,
    path: PathBuf,
}

impl SqliteStore {
    pub(crate) fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        open::open(folder, clock)
    }

    /// Where the database file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn now(&self) -> Now {
        Now(At(self.clock.now()))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(work).await
    }

    /// For writes that always commit when they succeed.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(|c| work(c).map(Verdict::Keep)).await
    }

    /// For writes that may find that nothing is to be written.
    async fn decide<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<Verdict<T>, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(work).await
    }
}

#[async_trait]
impl Database for SqliteStore {
    fn migrated(&self) -> &[String] {
        &self.migrated
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|c| Ok(open::check_schema(c)?)).await
    }

    fn lanes(&self) -> Vec<Lane> {
        vec![self.writer.lane(), self.readers.lane()]
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.writer.close().await
    }
}

/// The result of a shared query: on SQLite no statement waits, so its future is ready.
fn done<T>(query: impl Future<Output = T>) -> T {
    query
        .now_or_never()
        .expect("a query on SQLite waits for nothing")
}
