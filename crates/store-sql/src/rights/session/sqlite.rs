//! A connection to a SQLite file. Its statements block the thread, which may.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::{DefaultLoadingMode, SimpleConnection as _};
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::sqlite::{Sqlite as Backend, SqliteConnection};
use diesel::{RunQueryDsl as _, sql_query};
use runloom_domain::Clock;
use runloom_store::StoreError;
use tokio::task::block_in_place;

use super::super::RightsError;
use super::{Argument, Each, Row};
use crate::copy::image::{Kind, Value};
use crate::copy::source::Values;
use crate::sqlite::open::{FILE, READER_SETTINGS, WRITER_SETTINGS, check_schema, connect};
use crate::{Database as _, SqliteStore};

type Statement<'a> = BoxedSqlQuery<'a, Backend, SqlQuery>;

/// A connection, and the lock of the folder when it is for writing.
pub(in super::super) struct Sqlite {
    c: SqliteConnection,
    store: Option<SqliteStore>,
}

impl Sqlite {
    pub(super) fn reading(folder: &Path) -> Result<Self, RightsError> {
        block_in_place(|| {
            let mut c = connect(&existing(folder)?)?;
            c.batch_execute(READER_SETTINGS)?;
            check_schema(&mut c)?;
            Ok(Self { c, store: None })
        })
    }

    pub(super) fn writing(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, RightsError> {
        block_in_place(|| {
            let file = folder.join(FILE);
            let store = SqliteStore::open(folder, clock)?;
            let mut c = connect(&file)?;
            c.batch_execute(WRITER_SETTINGS)?;
            let store = Some(store);
            Ok(Self { c, store })
        })
    }

    pub(super) fn run(&mut self, sql: &str) -> Result<(), RightsError> {
        Ok(block_in_place(|| self.c.batch_execute(sql))?)
    }

    pub(super) fn execute(
        &mut self,
        sql: &str,
        arguments: &[Argument],
    ) -> Result<u64, RightsError> {
        let statement = statement(sql, arguments)?;
        let changed = block_in_place(|| statement.execute(&mut self.c))?;
        Ok(changed as u64)
    }

    pub(super) fn insert(
        &mut self,
        sql: &str,
        kinds: &[Kind],
        rows: &[Row],
    ) -> Result<(), RightsError> {
        block_in_place(|| {
            for row in rows {
                let mut statement = sql_query(sql).into_boxed::<Backend>();
                for (kind, image) in kinds.iter().zip(row) {
                    statement = bind(statement, *kind, kind.value(image))?;
                }
                statement.execute(&mut self.c)?;
            }
            Ok(())
        })
    }

    pub(super) fn each(
        &mut self,
        sql: &str,
        arguments: &[Argument],
        kinds: &[Kind],
        each: &mut Each<'_>,
    ) -> Result<(), RightsError> {
        let statement = statement(sql, arguments)?;
        block_in_place(|| {
            let rows = statement.load_iter::<Values, DefaultLoadingMode>(&mut self.c)?;
            for values in rows {
                let images = kinds.iter().zip(values?.0);
                let row: Result<Row, _> = images.map(|(kind, value)| kind.image(value)).collect();
                each(row.map_err(|reason| RightsError::Database(reason.to_owned()))?)?;
            }
            Ok(())
        })
    }

    pub(super) async fn close(self) -> Result<(), RightsError> {
        drop(self.c);
        match self.store {
            Some(store) => Ok(store.close().await?),
            None => Ok(()),
        }
    }
}

pub(super) fn existing(folder: &Path) -> Result<PathBuf, RightsError> {
    let file = folder.join(FILE);
    if file.exists() {
        return Ok(file);
    }
    Err(RightsError::Missing(file.display().to_string()))
}

fn statement<'a>(sql: &str, arguments: &[Argument]) -> Result<Statement<'a>, RightsError> {
    let mut statement = sql_query(sql).into_boxed::<Backend>();
    for (kind, image) in arguments {
        statement = bind(statement, *kind, kind.value(image))?;
    }
    Ok(statement)
}

fn bind(
    statement: Statement<'_>,
    kind: Kind,
    value: Option<Value>,
) -> Result<Statement<'_>, RightsError> {
    let damaged = || StoreError::Rejected("a value is damaged".into());
    Ok(match (kind, value.ok_or_else(damaged)?) {
        (_, Value::Null) => statement.bind::<Nullable<BigInt>, _>(None::<i64>),
        (_, Value::Integer(number)) => statement.bind::<BigInt, _>(number),
        (Kind::Text, Value::Bytes(bytes)) => {
            let text = String::from_utf8(bytes).map_err(|_| damaged())?;
            statement.bind::<Text, _>(text)
        }
        (_, Value::Bytes(bytes)) => statement.bind::<Binary, _>(bytes),
        (_, Value::Real) => return Err(damaged().into()),
    })
}
