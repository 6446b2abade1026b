//! The pools: what must not wait for each other has a lane of its own.

use std::sync::Arc;
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use futures_util::FutureExt;
use runloom_store::StoreError;

use super::Conn;
use super::connect::{Purpose, Target};
use crate::Lane;

/// Creations at the same time. Each is two statements; more would only wait for each other's
/// processor.
const CREATES: usize = 2;

/// Everything but appends, creations, leases and hints.
const ANYTHING: usize = 7;

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) type Lent = Object<Conn>;

/// The pools. At most 12 connections with those of the appends and the hints.
#[derive(Clone)]
pub(super) struct Lanes {
    creates: Pool<Conn>,
    leases: Pool<Conn>,
    anything: Pool<Conn>,
}

impl Lanes {
    pub(super) fn new(target: &Target) -> Result<Self, StoreError> {
        Ok(Self {
            creates: pool(target, Purpose::Creates, CREATES)?,
            leases: pool(target, Purpose::Leases, 1)?,
            anything: pool(target, Purpose::Anything, ANYTHING)?,
        })
    }

    /// A connection for a creation, which may wait for a twin.
    pub(super) async fn create(&self) -> Result<Lent, StoreError> {
        take(&self.creates).await
    }

    /// The connection for the node's lease.
    pub(super) async fn lease(&self) -> Result<Lent, StoreError> {
        take(&self.leases).await
    }

    /// A connection for anything else.
    pub(super) async fn any(&self) -> Result<Lent, StoreError> {
        take(&self.anything).await
    }

    /// How busy they are.
    pub(super) fn state(&self) -> Vec<Lane> {
        let lanes = [
            ("creates", &self.creates),
            ("leases", &self.leases),
            ("rest", &self.anything),
        ];
        lanes.map(|(name, pool)| lane(name, pool)).into()
    }

    pub(super) fn close(&self) {
        self.creates.close();
        self.leases.close();
        self.anything.close();
    }
}

fn lane(name: &'static str, pool: &Pool<Conn>) -> Lane {
    let state = pool.status();
    Lane {
        name,
        size: state.max_size,
        in_use: state.size.saturating_sub(state.available),
        waiting: state.waiting,
    }
}

async fn take(pool: &Pool<Conn>) -> Result<Lent, StoreError> {
    match tokio::time::timeout(PATIENCE, pool.get()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(StoreError::Unavailable(error.into())),
        Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
    }
}

fn pool(target: &Target, purpose: Purpose, size: usize) -> Result<Pool<Conn>, StoreError> {
    let target = Arc::new(target.clone());
    let mut config = ManagerConfig::default();
    // The default asks the database at each use, which costs a journey.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let target = Arc::clone(&target);
        async move { target.connect(purpose).await }.boxed()
    });
    Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
        .max_size(size)
        .build()
        .map_err(|error| StoreError::Unfit(error.to_string()))
}
