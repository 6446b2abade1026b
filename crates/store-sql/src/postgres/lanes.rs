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
use super::mistake::Mistake;
use super::scope::{Open, Scope};
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

/// A connection of a pool, for one piece of work. Statements are sent on it in transactions of its
/// scope only.
pub(super) struct Lent {
    c: Object<Conn>,
    scope: Scope,
    /// How long the work may take in all.
    pub(super) patience: Duration,
}

impl Lent {
    pub(super) fn begin(&mut self) -> Open<'_> {
        Open::begin(&mut self.c, &self.scope)
    }

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

    /// What transactions are begun on.
    pub(super) fn lent(&mut self) -> &mut Self {
        self
    }
}

/// A connection of the engine's role, whose statements are about whichever organisation and need
/// no transaction.
pub(super) struct Engine(Lent);

impl Engine {
    pub(super) fn settle<T, E: From<StoreError>>(
        self,
        outcome: Result<Result<T, E>, Elapsed>,
    ) -> Result<T, E> {
        self.0.settle(outcome)
    }

    /// What transactions are begun on.
    pub(super) fn lent(&mut self) -> &mut Lent {
        &mut self.0
    }

    /// How long the work may take in all.
    pub(super) fn patience(&self) -> Duration {
        self.0.patience
    }
}

impl Deref for Engine {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0.c
    }
}

impl DerefMut for Engine {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0.c
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

    async fn take(&self, scope: Scope) -> Result<Lent, StoreError> {
        match tokio::time::timeout(PATIENCE, self.pool.get()).await {
            Ok(Ok(c)) => Ok(Lent {
                c,
                scope,
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
    mistake: Mistake,
    creates: Lane,
    leases: Lane,
    dispatch: Lane,
    anything: Lane,
}

impl Lanes {
    pub(super) fn new(target: &Target) -> Result<Self, StoreError> {
        Ok(Self {
            mistake: Mistake::default(),
            creates: Lane::new(target, Purpose::Creates, CREATES)?,
            leases: Lane::new(target, Purpose::Leases, 1)?,
            dispatch: Lane::new(target, Purpose::Dispatch, DISPATCH)?,
            anything: Lane::new(target, Purpose::Anything, ANYTHING)?,
        })
    }

    /// A connection for a creation, which may wait for a twin.
    pub(super) async fn create(&self, scope: impl Into<Scope>) -> Result<Lent, StoreError> {
        self.creates.take(self.mistake.about(scope.into())).await
    }

    /// The connection for the node's lease.
    pub(super) async fn lease(&self) -> Result<Engine, StoreError> {
        self.leases.take(Scope::default()).await.map(Engine)
    }

    /// A connection for what the engine does to the runs of all organisations.
    pub(super) async fn dispatch(&self) -> Result<Engine, StoreError> {
        self.dispatch.take(Scope::default()).await.map(Engine)
    }

    /// A connection for anything else.
    pub(super) async fn any(&self, scope: impl Into<Scope>) -> Result<Lent, StoreError> {
        self.anything.take(self.mistake.about(scope.into())).await
    }

    #[cfg(feature = "failpoints")]
    pub(super) fn mistake(&self) -> &Mistake {
        &self.mistake
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
