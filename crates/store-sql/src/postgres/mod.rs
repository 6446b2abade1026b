//! PostgreSQL: a connection for appends, lanes for creations, leases and dispatch, a pool for the
//! rest, and two roles for all of them.

mod append;
mod census;
pub(crate) mod connect;
mod create;
mod dialect;
mod error;
mod finding;
mod holds;
mod housekeeping;
mod lanes;
mod last;
mod lease;
mod log_parts;
pub(crate) mod migrate;
mod mistake;
mod orphans;
mod ports;
#[path = "../queries/mod.rs"]
#[expect(
    clippy::duplicate_mod,
    reason = "the shared queries are compiled once for each database"
)]
mod queries;
mod report;
mod roles;
mod scope;
mod signals;
mod tails;
mod threads;
mod transaction;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::{AsyncPgConnection as Conn, RunQueryDsl};
use runloom_store::{Signals, StoreError};
use tokio::runtime::Handle;

use self::append::Appender;
use self::connect::Target;
use self::lanes::Lanes;
use self::migrate::Migrated;
use self::scope::Scope;
use self::signals::PostgresSignals;
use crate::failure::Failure;
use crate::turn::Turn;
use crate::{Database, Lane};

pub(crate) use migrate::migrate;
pub use roles::DatabaseRoles;

/// The PostgreSQL adapter. Made by [`open_postgres`](crate::open_postgres).
pub struct PostgresStore {
    lanes: Lanes,
    appender: Arc<Appender>,
    target: Target,
    turn: Turn,
    migrated: Vec<String>,
    roles: DatabaseRoles,
    /// The runtime that drives the connections and on which writes run to their end.
    runtime: Handle,
}

impl PostgresStore {
    /// Connects from the runtime that this is called on, and migrates.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let runtime = Handle::current();
        let target = Target::parse(url, runtime.clone())?;
        let migrated = migrate::on(&target, migrate::Purpose::Serving).await?;
        let Migrated { ran, roles, report } = migrated;
        report.tell();
        let target = target.with_roles(roles.clone());
        Ok(Self {
            lanes: Lanes::new(&target)?,
            appender: Arc::new(Appender::new(target.clone())),
            target,
            turn: Turn::default(),
            migrated: ran,
            roles,
            runtime,
        })
    }

    /// The roles under which its sessions work.
    pub fn roles(&self) -> &DatabaseRoles {
        &self.roles
    }

    /// Makes parts of the log for runs that began in these months, which are called like `2020_01`.
    pub(crate) async fn make_log_parts(&self, months: BTreeSet<String>) -> Result<(), StoreError> {
        let lanes = self.lanes.clone();
        self.spawn(async move {
            let mut engine = lanes.dispatch().await?;
            let making = log_parts::make_past(engine.lent(), &months);
            let outcome = tokio::time::timeout(log_parts::PATIENCE, making).await;
            engine.settle(outcome)
        })
        .await
    }

    /// Runs a write to its end, also when the caller goes away.
    async fn spawn<T: Send + 'static>(
        &self,
        write: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.runtime.spawn(write).await {
            Ok(result) => result.map_err(error::of),
            // Doing it again would only panic again.
            Err(error) if error.is_panic() => Err(StoreError::Rejected(error.into())),
            Err(error) => Err(StoreError::Unavailable(error.into())),
        }
    }
}

#[async_trait]
impl Database for PostgresStore {
    fn migrated(&self) -> &[String] {
        &self.migrated
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let mut lent = self.lanes.any(Scope::default()).await?;
        let check = async { migrate::check(&mut lent.begin()).await };
        let outcome = tokio::time::timeout(connect::Purpose::Anything.answer(), check).await;
        lent.settle(outcome)
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        Some(Arc::new(PostgresSignals::start(self.target.clone())))
    }

    /// Batches come one at a time, so that none waits for their connection.
    fn lanes(&self) -> Vec<Lane> {
        let appends = Lane {
            name: "appends",
            size: 1,
            in_use: usize::from(self.appender.is_busy()),
            waiting: 0,
        };
        let mut lanes = vec![appends];
        lanes.extend(self.lanes.state());
        lanes
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.appender.close().await;
        self.lanes.close();
        Ok(())
    }
}
