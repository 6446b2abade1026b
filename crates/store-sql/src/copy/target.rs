//! The PostgreSQL side: what is copied into.

use std::sync::Arc;

use futures_util::{StreamExt as _, pin_mut};
use runloom_store::StoreError;
use tokio::runtime::Handle;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutRow, BinaryCopyOutStream};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;

use super::plan::{Row, Table};
use super::source::Rows;
use super::{CopyError, CopyProgress, CopyStep, LEFT_OUT, TABLES};
use crate::postgres::connect;
use crate::postgres::migrate::{self, UNFINISHED};

/// Two copies into one database take turns; the number is that of the schema's lock and one.
/// The lock of a copy that was killed is free as soon as the database has noticed.
const LOCK: &str = "
SET lock_timeout = '10s';
SELECT pg_advisory_lock(8247338199357352226);";

/// Rows are read in the order of their keys: by an index rather than by sorting tens of gigabytes.
const SETTINGS: &str = "
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET jit = off;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;";

/// A PostgreSQL database that no server starts on meanwhile.
pub(super) struct Target {
    client: Client,
}

impl Target {
    /// Connects, refuses a database that is in use, marks it as unfinished, and makes it empty
    /// and of this version's schema.
    pub(super) async fn open(url: &str) -> Result<Self, CopyError> {
        let database = connect::Target::parse(url, Handle::current())?.patient();
        let unavailable = |error: String| StoreError::Unavailable(error.into());
        let connected = database.connect_raw("runloom-copy").await;
        let (client, connection) = connected.map_err(unavailable)?;
        tokio::spawn(connection);
        let target = Self { client };
        target.lock().await?;
        target.client.batch_execute(SETTINGS).await?;
        target.check_encoding().await?;
        if target.exists(UNFINISHED).await? {
            migrate::on(&database, migrate::Purpose::Copying).await?;
            target.empty().await?;
        } else {
            target.check_empty().await?;
            target.mark().await?;
            migrate::on(&database, migrate::Purpose::Copying).await?;
        }
        target.client.batch_execute(&forced("NO FORCE")).await?;
        Ok(target)
    }

    async fn lock(&self) -> Result<(), CopyError> {
        let locked = self.client.batch_execute(LOCK).await;
        locked.map_err(|error| match error.code() {
            Some(&SqlState::LOCK_NOT_AVAILABLE) => CopyError::Busy,
            _ => error.into(),
        })
    }

    async fn check_encoding(&self) -> Result<(), CopyError> {
        let row = self.client.query_one("SHOW server_encoding", &[]).await?;
        match row.get(0) {
            "UTF8" => Ok(()),
            other => Err(CopyError::Encoding(other.to_owned())),
        }
    }

    async fn exists(&self, table: &str) -> Result<bool, CopyError> {
        let sql = "SELECT to_regclass($1) IS NOT NULL";
        Ok(self.client.query_one(sql, &[&table]).await?.get(0))
    }

    /// A server that has started before the mark was set, and writes after this look, is found
    /// by the comparison.
    async fn check_empty(&self) -> Result<(), CopyError> {
        for table in TABLES.into_iter().chain([LEFT_OUT[0]]) {
            if self.exists(table).await? && self.has_rows(table).await? {
                return Err(CopyError::NotEmpty(table.to_owned()));
            }
        }
        Ok(())
    }

    async fn has_rows(&self, table: &str) -> Result<bool, CopyError> {
        let sql = format!("SELECT EXISTS (SELECT FROM \"{table}\")");
        Ok(self.client.query_one(&sql, &[]).await?.get(0))
    }

    async fn mark(&self) -> Result<(), CopyError> {
        let sql =
            format!("CREATE TABLE {UNFINISHED} (began_at timestamptz NOT NULL DEFAULT now())");
        Ok(self.client.batch_execute(&sql).await?)
    }

    /// What is thrown away is half of a copy, so the audit log in it isn't anybody's yet.
    async fn empty(&self) -> Result<(), CopyError> {
        let keeps = |what: &str| {
            let tables = ["audit_records", "audit_seals"];
            tables.map(|table| format!("ALTER TABLE {table} {what} TRIGGER audit_stays_whole"))
        };
        let truncate = format!("TRUNCATE \"{}\"", TABLES.join("\", \""));
        let mut steps = keeps("DISABLE").to_vec();
        steps.push(truncate);
        steps.extend(keeps("ENABLE"));
        // Together they are one transaction.
        let sql = steps.join("; ");
        Ok(self.client.batch_execute(&sql).await?)
    }

    /// The columns of a table and their types.
    pub(super) async fn columns(&self, table: &str) -> Result<Vec<(String, Type)>, CopyError> {
        let sql = format!("SELECT * FROM \"{table}\"");
        let statement = self.client.prepare(&sql).await?;
        let columns = statement.columns().iter();
        Ok(columns
            .map(|column| (column.name().to_owned(), column.type_().clone()))
            .collect())
    }

    /// Writes the rows into the empty table, in one transaction.
    pub(super) async fn fill(
        &self,
        table: &Table,
        mut rows: Rows,
        progress: &mut (impl FnMut(CopyProgress) + Send),
    ) -> Result<(), CopyError> {
        let sql = format!(
            "COPY \"{}\" ({}) FROM STDIN (FORMAT binary)",
            table.name,
            table.list()
        );
        let sink = self.client.copy_in(&sql).await?;
        let writer = BinaryCopyInWriter::new(sink, &types(table));
        pin_mut!(writer);
        let mut so_far = CopyProgress {
            table: table.name,
            step: CopyStep::Copying,
            rows: 0,
            done: false,
        };
        while let Some(batch) = rows.next().await? {
            for row in &batch {
                writer.as_mut().write_raw(row).await?;
            }
            so_far.rows += batch.len() as u64;
            progress(so_far);
        }
        writer.finish().await?;
        so_far.done = true;
        progress(so_far);
        Ok(())
    }

    /// Lets the planner know how large the tables have become.
    pub(super) async fn analyze(&self, tables: &[Arc<Table>]) -> Result<(), CopyError> {
        for table in tables {
            let sql = format!("ANALYZE \"{}\"", table.name);
            self.client.batch_execute(&sql).await?;
        }
        Ok(())
    }

    /// Begins to read a table's rows in the order of its key.
    pub(super) async fn rows(&self, table: &Arc<Table>) -> Result<TargetRows, CopyError> {
        let select = table.select(" COLLATE \"C\"");
        let sql = format!("COPY ({select}) TO STDOUT (FORMAT binary)");
        let stream = self.client.copy_out(&sql).await?;
        Ok(TargetRows {
            rows: Box::pin(BinaryCopyOutStream::new(stream, &types(table))),
            columns: table.columns.len(),
        })
    }

    /// Takes the mark away. No server must have been here.
    pub(super) async fn finish(&self) -> Result<(), CopyError> {
        let nodes = LEFT_OUT[0];
        if self.has_rows(nodes).await? {
            return Err(CopyError::NotEmpty(nodes.to_owned()));
        }
        // One transaction.
        let sql = format!("{}; DROP TABLE {UNFINISHED}", forced("FORCE"));
        Ok(self.client.batch_execute(&sql).await?)
    }
}

/// Whether policies bind the owner of the tables too. `COPY` fills no table with a policy for who
/// runs it, also when it lets everything pass.
fn forced(force: &str) -> String {
    format!(
        "DO $$ DECLARE walled regclass; BEGIN
            FOR walled IN SELECT oid FROM pg_class WHERE relrowsecurity AND NOT relispartition
                AND relnamespace = current_schema()::regnamespace
            LOOP EXECUTE format('ALTER TABLE %s {force} ROW LEVEL SECURITY', walled); END LOOP;
        END $$"
    )
}

/// A table's rows, one by one.
pub(super) struct TargetRows {
    rows: std::pin::Pin<Box<BinaryCopyOutStream>>,
    columns: usize,
}

impl TargetRows {
    pub(super) async fn next(&mut self) -> Result<Option<Row>, CopyError> {
        let Some(row) = self.rows.next().await.transpose()? else {
            return Ok(None);
        };
        let values = (0..self.columns).map(|place| BinaryCopyOutRow::try_get(&row, place));
        Ok(Some(values.collect::<Result<_, _>>()?))
    }
}

fn types(table: &Table) -> Vec<Type> {
    let columns = table.columns.iter();
    columns.map(|column| column.postgres.clone()).collect()
}
