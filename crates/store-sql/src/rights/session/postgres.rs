//! A connection to PostgreSQL as the login role, which owns the tables and sees all rows.

use std::collections::HashMap;

use diesel::pg::Pg;
use futures_util::future::try_join_all;
use futures_util::{TryStreamExt as _, pin_mut};
use runloom_store::StoreError;
use tokio::runtime::Handle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Statement};

use super::super::RightsError;
use super::{Argument, Each, Row};
use crate::copy::image::{Image, Kind};
use crate::migrations::{self, POSTGRES};
use crate::postgres::connect::Target;
use crate::postgres::migrate;

/// A long reading or writing is nobody's fault. Rows are found by the keys, which start with the
/// organisation, and come in their order, so that none but the smallest tables are sorted.
const SETTINGS: &str = "
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET jit = off;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET max_parallel_workers_per_gather = 0;";

/// A connection, and what it has prepared.
pub(in super::super) struct Postgres {
    client: Client,
    prepared: HashMap<String, Statement>,
}

impl Postgres {
    pub(super) async fn reading(url: &str) -> Result<Self, RightsError> {
        let session = Self::connect(&target(url)?).await?;
        let state = session.client.query_one(migrations::STATE, &[]).await;
        let state = state.map_err(without_schema)?;
        let (newest, needed): (Option<&str>, Option<&str>) = (state.get(0), state.get(1));
        let (newest, needed) = (newest.unwrap_or_default(), needed.unwrap_or_default());
        migrations::check::<Pg>(&POSTGRES, newest, needed)?;
        Ok(session)
    }

    pub(super) async fn writing(url: &str) -> Result<Self, RightsError> {
        let target = target(url)?;
        migrate::on(&target, migrate::Purpose::Serving).await?;
        Self::connect(&target).await
    }

    async fn connect(target: &Target) -> Result<Self, RightsError> {
        let unavailable = |error: String| StoreError::Unavailable(error.into());
        let connected = target.connect_raw("runloom-rights").await;
        let (client, connection) = connected.map_err(unavailable)?;
        tokio::spawn(connection);
        client.batch_execute(SETTINGS).await?;
        let prepared = HashMap::new();
        Ok(Self { client, prepared })
    }

    pub(super) async fn run(&self, sql: &str) -> Result<(), RightsError> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(super) async fn execute(
        &mut self,
        sql: &str,
        arguments: &[Argument],
    ) -> Result<u64, RightsError> {
        let statement = self.prepare(sql, kinds(arguments)).await?;
        let values = arguments.iter().map(|(_, image)| image);
        Ok(self.client.execute_raw(&statement, values).await?)
    }

    /// The rows are sent ahead of each other: a journey for all of them.
    pub(super) async fn insert(
        &mut self,
        sql: &str,
        kinds: &[Kind],
        rows: &[Row],
    ) -> Result<(), RightsError> {
        let statement = &self.prepare(sql, kinds.iter().copied()).await?;
        let client = &self.client;
        try_join_all(rows.iter().map(|row| client.execute_raw(statement, row))).await?;
        Ok(())
    }

    pub(super) async fn each(
        &mut self,
        sql: &str,
        arguments: &[Argument],
        columns: usize,
        each: &mut Each<'_>,
    ) -> Result<(), RightsError> {
        let statement = self.prepare(sql, kinds(arguments)).await?;
        let values = arguments.iter().map(|(_, image)| image);
        let rows = self.client.query_raw(&statement, values).await?;
        pin_mut!(rows);
        while let Some(row) = rows.try_next().await? {
            let values = (0..columns).map(|place| row.try_get::<_, Image>(place));
            each(values.collect::<Result<_, _>>()?)?;
        }
        Ok(())
    }

    async fn prepare(
        &mut self,
        sql: &str,
        kinds: impl Iterator<Item = Kind>,
    ) -> Result<Statement, RightsError> {
        if let Some(known) = self.prepared.get(sql) {
            return Ok(known.clone());
        }
        let types: Vec<_> = kinds.map(Kind::postgres).collect();
        let made = self.client.prepare_typed(sql, &types).await?;
        self.prepared.insert(sql.to_owned(), made.clone());
        Ok(made)
    }
}

fn target(url: &str) -> Result<Target, RightsError> {
    Ok(Target::parse(url, Handle::current())?.patient())
}

/// Whoever names the wrong one of many databases is told so.
fn without_schema(error: tokio_postgres::Error) -> RightsError {
    if error.code() == Some(&SqlState::UNDEFINED_TABLE) {
        return StoreError::Unfit("it has no schema yet".to_owned()).into();
    }
    error.into()
}

fn kinds(arguments: &[Argument]) -> impl Iterator<Item = Kind> {
    arguments.iter().map(|(kind, _)| *kind)
}
