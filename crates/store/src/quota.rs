use async_trait::async_trait;
use runloom_domain::{OrgId, RunId, ThreadId};

use crate::{By, StoreError};

/// What an organisation may keep at most: `None` leaves it to the deployment, 0 sets no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Threads, without deleted and hidden ones.
    pub threads: Option<u64>,
    /// Bytes of what is measured.
    pub bytes: Option<u64>,
}

/// An organisation's own quota and how much it keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What it may keep.
    pub quota: Quota,
    /// Bytes that it keeps, as last measured.
    pub stored_bytes: u64,
}

/// From where the measuring of an organisation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measuring {
    /// With the events and tools' outputs of the runs after this one.
    Runs(Option<RunId>),
    /// With the messages of the threads after this one.
    Threads(Option<ThreadId>),
}

impl Measuring {
    /// The beginning.
    pub const START: Self = Self::Runs(None);
}

/// What a step of measuring has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Bytes of texts, as UTF-8 and before any compression.
    pub bytes: u64,
    /// From where to go on; `None` when all was measured.
    pub next: Option<Measuring>,
}

/// What organisations keep and may keep: events with what only the engine sees of them, tools'
/// outputs, and messages, those of deleted threads too as long as they are there.
#[async_trait]
pub trait QuotaStore: Send + Sync + 'static {
    /// Sets an organisation's own quota. False when there is no such organisation.
    async fn set_quota(&self, org: OrgId, quota: Quota, by: By) -> Result<bool, StoreError>;

    /// Reads how an organisation stands; one that isn't there has nothing.
    async fn standing(&self, org: OrgId) -> Result<Standing, StoreError>;

    /// Whether an organisation has at least so many threads, without deleted and hidden ones.
    /// Takes as long as there are threads, up to that number.
    async fn has_threads(&self, org: OrgId, at_least: u64) -> Result<bool, StoreError>;

    /// The organisation after another one in the order of their ids, of all or of those that
    /// have a quota of bytes of their own.
    async fn next_measured(
        &self,
        after: Option<OrgId>,
        all: bool,
    ) -> Result<Option<OrgId>, StoreError>;

    /// Measures a part of what an organisation keeps: that of up to `limit` runs or threads.
    async fn measure(
        &self,
        org: OrgId,
        from: Measuring,
        limit: u32,
    ) -> Result<Measured, StoreError>;

    /// Notes what an organisation keeps.
    async fn set_stored_bytes(&self, org: OrgId, bytes: u64) -> Result<(), StoreError>;
}
