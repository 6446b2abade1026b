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

/// A record without a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// The record.
    pub record_id: AuditRecordId,
    /// When it was written, by itself.
    pub at: Timestamp,
    /// Whether it waits for its seal. What the store has written does.
    pub waits: bool,
}

/// The audit log. Records are written by the methods that change something.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Lists an organisation's records, newest first. One that can't be read is left out, and is
    /// logged.
    async fn audit_log(
        &self,
        org: OrgId,
        filter: AuditFilter,
        page: Page,
    ) -> Result<Paged<Audited>, StoreError>;

    /// Organisations with records that wait for their seals, up to `limit` behind another one in
    /// the order of their ids.
    async fn unsealed_orgs(
        &self,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<OrgId>, StoreError>;

    /// Seals up to `limit` records of an organisation and says how many don't wait any more: none,
    /// too, while another node seals. One that can't be read gets no seal, and is logged.
    async fn seal_audit(&self, org: OrgId, limit: u32) -> Result<u32, StoreError>;

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

    /// Records of an organisation that have no seal, up to `limit` behind another one in the order
    /// of their ids. Looks at all of its records.
    async fn unsealed_audit(
        &self,
        org: OrgId,
        after: Option<AuditRecordId>,
        limit: u32,
    ) -> Result<Vec<Unsealed>, StoreError>;
}
