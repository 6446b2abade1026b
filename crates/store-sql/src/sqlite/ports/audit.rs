//! The audit log.

use async_trait::async_trait;
use runloom_domain::{AuditRecordId, OrgId};
use runloom_store::{
    AuditFilter, AuditStore, Audited, ChainLink, Page, Paged, StoreError, Unsealed,
};

use crate::sqlite::queries::audit;
use crate::sqlite::{SqliteStore, done};

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit_log(
        &self,
        org: OrgId,
        filter: AuditFilter,
        page: Page,
    ) -> Result<Paged<Audited>, StoreError> {
        self.read(move |c| done(audit::list(c, org, filter, page)))
            .await
    }

    async fn unsealed_orgs(
        &self,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<OrgId>, StoreError> {
        self.read(move |c| done(audit::unsealed_orgs(c, after, limit)))
            .await
    }

    async fn seal_audit(&self, org: OrgId, limit: u32) -> Result<u32, StoreError> {
        self.decide(move |c| done(audit::seal(c, org, limit))).await
    }

    async fn audited_orgs(
        &self,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<OrgId>, StoreError> {
        self.read(move |c| done(audit::orgs(c, after, limit))).await
    }

    async fn audit_chain(
        &self,
        org: OrgId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ChainLink>, StoreError> {
        self.read(move |c| done(audit::links(c, org, after, limit)))
            .await
    }

    async fn unsealed_audit(
        &self,
        org: OrgId,
        after: Option<AuditRecordId>,
        limit: u32,
    ) -> Result<Vec<Unsealed>, StoreError> {
        self.read(move |c| done(audit::unsealed(c, org, after, limit)))
            .await
    }
}
