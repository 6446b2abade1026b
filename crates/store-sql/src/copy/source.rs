//! The SQLite side: what is copied.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::{DefaultLoadingMode, SimpleConnection as _};
use diesel::deserialize::{self, QueryableByName};
use diesel::row::{Field as _, NamedRow};
use diesel::sql_types::{Integer, Text};
use diesel::sqlite::{Sqlite, SqliteConnection, SqliteType};
use diesel::{RunQueryDsl as _, sql_query};
use runloom_domain::{Clock, NodeId};
use runloom_store::{RunStore as _, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::CopyError;
use super::image::{Image, Value};
use super::plan::{Row, Table};
use crate::SqliteStore;
use crate::sqlite::open::{FILE, connect};

/// A batch has at most so many rows, and about so many bytes.
const ROWS: usize = 500;
const BYTES: usize = 1 << 20;

/// Batches that are read ahead.
const AHEAD: usize = 2;

/// One pass over a table needs little, but its key leads all over a large one.
const SETTINGS: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -65536;";

const TABLE_NAMES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

const COLUMNS: &str = "SELECT name, type AS declared, pk AS key FROM pragma_table_info(?1)";

/// A SQLite database that no server can use meanwhile.
pub(super) struct Source {
    /// Holds the folder's lock.
    _store: SqliteStore,
    path: PathBuf,
}

/// A column as SQLite describes it.
#[derive(Debug, diesel::QueryableByName)]
pub(super) struct SqliteColumn {
    #[diesel(sql_type = Text)]
    pub(super) name: String,
    #[diesel(sql_type = Text)]
    pub(super) declared: String,
    /// Its place in the key from 1, or 0.
    #[diesel(sql_type = Integer)]
    pub(super) key: i32,
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

impl Source {
    /// Opens the database as a server does, but makes none.
    pub(super) async fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, CopyError> {
        let (folder, path) = (folder.to_owned(), folder.join(FILE));
        if !path.exists() {
            return Err(CopyError::Missing(path.display().to_string()));
        }
        let node = NodeId::generate(clock.now());
        let store = blocking(move || Ok(SqliteStore::open(&folder, clock)?)).await?;
        // The runs of whoever had the folder go on from a copy as they would from here.
        store.free_lost(node).await?;
        Ok(Self {
            _store: store,
            path,
        })
    }

    pub(super) async fn tables(&self) -> Result<Vec<String>, CopyError> {
        let names: Vec<Name> = self.ask(|c| sql_query(TABLE_NAMES).load(c)).await?;
        Ok(names.into_iter().map(|row| row.name).collect())
    }

    pub(super) async fn columns(
        &self,
        table: &'static str,
    ) -> Result<Vec<SqliteColumn>, CopyError> {
        self.ask(move |c| sql_query(COLUMNS).bind::<Text, _>(table).load(c))
            .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut SqliteConnection) -> Result<T, diesel::result::Error> + Send + 'static,
    ) -> Result<T, CopyError> {
        let path = self.path.clone();
        blocking(move || query(&mut connect(&path)?).map_err(|error| failed(&error))).await
    }

    /// Begins to read a table's rows in the order of its key.
    pub(super) fn rows(&self, table: &Arc<Table>) -> Rows {
        let (path, table) = (self.path.clone(), Arc::clone(table));
        let (batches, inbox) = mpsc::channel(AHEAD);
        Rows {
            inbox,
            reader: tokio::task::spawn_blocking(move || read(&path, &table, &batches)),
        }
    }
}

/// A table's rows in batches. Dropping it ends the reading.
pub(super) struct Rows {
    inbox: mpsc::Receiver<Vec<Row>>,
    reader: JoinHandle<Result<(), CopyError>>,
}

impl Rows {
    /// The next batch, which is never empty; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Row>>, CopyError> {
        if let Some(batch) = self.inbox.recv().await {
            return Ok(Some(batch));
        }
        // That nothing more comes means the end only when the reader says so.
        (&mut self.reader).await.map_err(panicked)??;
        Ok(None)
    }
}

fn read(path: &Path, table: &Table, batches: &mpsc::Sender<Vec<Row>>) -> Result<(), CopyError> {
    let mut c = connect(path)?;
    c.batch_execute(SETTINGS).map_err(|error| failed(&error))?;
    let rows = sql_query(table.select(""))
        .load_iter::<Values, DefaultLoadingMode>(&mut c)
        .map_err(|error| failed(&error))?;
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for values in rows {
        let row = values.map_err(|error| failed(&error))?.into_row(table)?;
        bytes += row.iter().map(Image::len).sum::<usize>();
        batch.push(row);
        if batch.len() == ROWS || bytes >= BYTES {
            bytes = 0;
            if batches.blocking_send(std::mem::take(&mut batch)).is_err() {
                return Ok(());
            }
        }
    }
    if !batch.is_empty() {
        // Whoever doesn't want them any more has ended the copy.
        let _ = batches.blocking_send(batch);
    }
    Ok(())
}

/// A row as SQLite gives it, whatever its columns.
pub(crate) struct Values(pub(crate) Vec<Value>);

impl QueryableByName<Sqlite> for Values {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
        let value = |place| {
            let field = diesel::row::Row::get(row, place).ok_or("a column is missing")?;
            let Some(mut value) = field.value() else {
                return Ok(Value::Null);
            };
            Ok(match value.value_type() {
                None => Value::Null,
                Some(SqliteType::Integer | SqliteType::SmallInt | SqliteType::Long) => {
                    Value::Integer(value.read_long())
                }
                Some(SqliteType::Text | SqliteType::Binary) => {
                    Value::Bytes(value.read_blob().to_vec())
                }
                Some(_) => Value::Real,
            })
        };
        let values: deserialize::Result<_> = (0..row.field_count()).map(value).collect();
        Ok(Self(values?))
    }
}

impl Values {
    /// The row's images. One that can't be made is told with the row's key.
    fn into_row(self, table: &Table) -> Result<Row, CopyError> {
        let mut fault = None;
        let row: Row = table
            .columns
            .iter()
            .zip(self.0)
            .map(|(column, value)| {
                column.kind.image(value).unwrap_or_else(|reason| {
                    fault.get_or_insert((column, reason));
                    Image(None)
                })
            })
            .collect();
        match fault {
            None => Ok(row),
            Some((column, reason)) => Err(CopyError::Value {
                table: table.name,
                column: column.name.clone(),
                key: table.name_of(&row),
                reason,
            }),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CopyError> + Send + 'static,
) -> Result<T, CopyError> {
    tokio::task::spawn_blocking(work).await.map_err(panicked)?
}

fn panicked(error: tokio::task::JoinError) -> CopyError {
    CopyError::Store(StoreError::Rejected(error.into()))
}

fn failed(error: &diesel::result::Error) -> CopyError {
    CopyError::Source(error.to_string())
}
