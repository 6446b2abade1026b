//! The pools: what must not wait for each other has a lane of its own.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use futures_util::FutureExt;
use runloom_store::StoreError;
use tokio::time::error::Elapsed;

use super::Conn;
use super::connect::{Purpose, SILENT, Target};
use crate::Lane as LaneState;

/// Creations at the same time. Each is two statements; more would only wait for each other's
/// processor.
const CREATES: usize = 2;

/// Claims, sweeps, polls and the ends of logs that are followed. A sweep that takes long must not
/// keep events from their watchers.
const DISPATCH: usize = 2;

/// Everything but appends, creations, leases, dispatch and hints.
const ANYTHING: usize = 5;

/// How long a call waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection of a pool, for one piece of work.
pub(super) struct Lent {
    c: Object<Conn>,
    /// How long the work may take in all.
    pub(super) patience: Duration,
}

impl Lent {
    /// The outcome of the work. A connection on which it got no answer in time is closed: the
    /// answer may still come. Whether the work was done is then unknown, as when a connection
    /// breaks.
    pub(super) fn settle<T, E: From<StoreError>>(
        self,
        outcome: Result<Result<T, E>, Elapsed>,
    ) -> Result<T, E> {
        outcome.unwrap_or_else(|_| {
            drop(Object::take(self.c));
            Err(StoreError::Unavailable(SILENT.into()).into())
        })
    }
}

impl Deref for Lent {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.c
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.c
    }
}

/// The pool of one purpose.
#[derive(Clone)]
struct Lane {
    pool: Pool<Conn>,
    purpose: Purpose,
}

impl Lane {
    fn new(target: &Target, purpose: Purpose, size: usize) -> Result<Self, StoreError> {
        let target = Arc::new(target.clone());
        let mut config = ManagerConfig::default();
        // The default asks the database at each use, which costs a journey.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |_| {
            let target = Arc::clone(&target);
            async move { target.connect(purpose).await }.boxed()
        });
        let pool = Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
            .max_size(size)
            .build()
            .map_err(|error| StoreError::Unfit(error.to_string()))?;
        Ok(Self { pool, purpose })
    }

    fn state(&self, name: &'static str) -> LaneState {
        let state = self.pool.status();
        LaneState {
            name,
            size: state.max_size,
            in_use: state.size.saturating_sub(state.available),
            waiting: state.waiting,
        }
    }

    async fn take(&self) -> Result<Lent, StoreError> {
        match tokio::time::timeout(PATIENCE, self.pool.get()).await {
            Ok(Ok(c)) => Ok(Lent {
                c,
                patience: self.purpose.answer(),
            }),
            Ok(Err(error)) => Err(StoreError::Unavailable(error.into())),
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }
}

/// The pools. At most 12 connections with those of the appends and the hints.
#[derive(Clone)]
pub(super) struct Lanes {
    creates: Lane,
    leases: Lane,
    dispatch: Lane,
    anything: Lane,
}

impl Lanes {
    pub(super) fn new(target: &Target) -> Result<Self, StoreError> {
        Ok(Self {
            creates: Lane::new(target, Purpose::Creates, CREATES)?,
            leases: Lane::new(target, Purpose::Leases, 1)?,
            dispatch: Lane::new(target, Purpose::Dispatch, DISPATCH)?,
            anything: Lane::new(target, Purpose::Anything, ANYTHING)?,
        })
    }

    /// A connection for a creation, which may wait for a twin.
    pub(super) async fn create(&self) -> Result<Lent, StoreError> {
        self.creates.take().await
    }

    /// The connection for the node's lease.
    pub(super) async fn lease(&self) -> Result<Lent, StoreError> {
        self.leases.take().await
    }

    /// A connection for what the engine does to the runs of all organisations.
    pub(super) async fn dispatch(&self) -> Result<Lent, StoreError> {
        self.dispatch.take().await
    }

    /// A connection for anything else.
    pub(super) async fn any(&self) -> Result<Lent, StoreError> {
        self.anything.take().await
    }

    /// How busy they are.
    pub(super) fn state(&self) -> Vec<LaneState> {
        let lanes = [
            ("creates", &self.creates),
            ("leases", &self.leases),
            ("dispatch", &self.dispatch),
            ("rest", &self.anything),
        ];
        lanes.map(|(name, lane)| lane.state(name)).into()
    }

    pub(super) fn close(&self) {
        for lane in [&self.creates, &self.leases, &self.dispatch, &self.anything] {
            lane.pool.close();
        }
    }
}
