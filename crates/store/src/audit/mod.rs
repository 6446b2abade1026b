//! The audit log: who has done what to an organisation.
//!
//! A record is written in the transaction of what it tells of, and is never changed. A sealer
//! chains the records of each organisation by hash a moment later, so that what somebody changes
//! behind the server's back shows.

mod action;
mod by;
mod chain;
pub mod entries;
mod record;

use async_trait::async_trait;
use runloom_domain::{AuditRecordId, OrgId, Timestamp, UserId};

pub use action::{Action, UnknownAction};
pub use by::{Actor, By, Origin};
pub use chain::{Chain, ChainLink, Checked, Finding, SealedRecord};
pub use record::{AuditRecord, CHAIN_START, Entry, Seal};

use crate::{Page, Paged, StoreError};

/// Which records are wanted. What is absent limits nothing.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only this action.
    pub action: Option<String>,
    /// Only what this person has done, by a key of theirs too.
    pub actor: Option<UserId>,
    /// Only what was done to the thing with this id.
    pub subject: Option<String>,
    /// Only from this moment on.
    pub from: Option<Timestamp>,
    /// Only before this moment.
    pub to: Option<Timestamp>,
}

/// A record, and its seal once it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// The record.
    pub record: AuditRecord,
    /// Its seal.
    pub seal: Option<Seal>,
}

/// The audit log. Records are written by the methods that change something.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Lists an organisation's records, newest first.
    async fn audit_log(
        &self,
        org: OrgId,
        filter: AuditFilter,
        page: Page,
    ) -> Result<Paged<Audited>, StoreError>;

    /// Seals up to `limit` records of whichever organisations and says how many it has sealed:
    /// none, too, while another node does it.
    async fn seal_audit(&self, limit: u32) -> Result<u32, StoreError>;

    /// All organisations, up to `limit` behind another one in the order of their ids.
    async fn audited_orgs(
        &self,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<OrgId>, StoreError>;

    /// A part of an organisation's chain: up to `limit` seals behind the place `after`, each
    /// with what there is of its record.
    async fn audit_chain(
        &self,
        org: OrgId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ChainLink>, StoreError>;

    /// Up to `limit` records of an organisation from before a moment that have no seal. Looks at
    /// all of its records.
    async fn unsealed_audit(
        &self,
        org: OrgId,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<AuditRecordId>, StoreError>;
}
