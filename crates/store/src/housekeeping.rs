use async_trait::async_trait;
use runloom_domain::OrgId;

use crate::{By, StoreError};

/// What a step of [`Housekeeping::expire_runs`] has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many runs expired.
    pub runs: u64,
    /// From which organisation the next step goes on; `None` when all have been looked at.
    pub next: Option<OrgId>,
}

/// What a step that deletes has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// How many rows are gone.
    pub rows: u64,
    /// Whether there may be more.
    pub more: bool,
}

/// What a step of [`Housekeeping::tend_log`] has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tended {
    /// How many parts of the log were made.
    pub made: u64,
    /// How many were dropped with all events in them.
    pub dropped: u64,
    /// How many are ready for what is yet to come, the present one included.
    pub ahead: u64,
}

/// What has to be done now and then, in steps that are short enough not to be in anybody's way.
///
/// A run's events are kept for some days after its end, or for ever. When their time is over
/// the run *expires*, and from that moment nobody may read its events; they are deleted later.
/// Messages, totals, ledger rows and credit entries stay. A run that has not ended never
/// expires.
///
/// Every node of a deployment may do this. Where several share a database one at a time does;
/// the step of another finds nothing to do.
#[async_trait]
pub trait Housekeeping: Send + Sync + 'static {
    /// Sets for how many days an organisation's events are kept: 0 is for ever, `None` what the
    /// deployment says. False when there is no such organisation.
    async fn set_event_retention(
        &self,
        org: OrgId,
        days: Option<u32>,
        by: By,
    ) -> Result<bool, StoreError>;

    /// Lets up to `limit` runs expire, those of organisations from `from` on in the order of
    /// their ids. `days` is what the deployment says, with 0 for ever.
    async fn expire_runs(
        &self,
        days: u32,
        from: Option<OrgId>,
        limit: u32,
    ) -> Result<Expired, StoreError>;

    /// Deletes up to about `limit` rows of expired runs' events, and their tools' outputs; a
    /// run with more goes on to be deleted by the next step. What can soon be dropped with the
    /// part of the log that it is in, waits for that.
    async fn delete_expired(&self, days: u32, limit: u32) -> Result<Deleted, StoreError>;

    /// Deletes up to about `limit` idempotency keys that are forgotten.
    async fn delete_keys(&self, limit: u32) -> Result<Deleted, StoreError>;

    /// Where the log is in parts by time: makes those of the time to come, and drops those of
    /// which all runs have expired, when no organisation's retention reaches into them.
    async fn tend_log(&self, days: u32) -> Result<Tended, StoreError>;
}
