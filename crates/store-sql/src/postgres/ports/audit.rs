//! The audit log.

use async_trait::async_trait;
use futures_util::FutureExt;
use runloom_domain::{AuditRecordId, OrgId};
use runloom_store::{
    AuditFilter, AuditStore, Audited, ChainLink, Page, Paged, StoreError, Unsealed,
};

use crate::postgres::queries::audit;
use crate::postgres::transaction::transaction;
use crate::postgres::{PostgresStore, error};

#[async_trait]
impl AuditStore for PostgresStore {
    async fn audit_log(
        &self,
        org: OrgId,
        filter: AuditFilter,
        page: Page,
    ) -> Result<Paged<Audited>, StoreError> {
        read!(self, any(org), audit::list(org, filter, page))
    }

    async fn unsealed_orgs(
        &self,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<OrgId>, StoreError> {
        read!(self, dispatch, audit::unsealed_orgs(after, limit))
    }

    async fn seal_audit(&self, org: OrgId, limit: u32) -> Result<u32, StoreError> {
        decide!(self, dispatch, (), |c, ()| audit::seal(c, org, limit))
    }

    async fn audited_orgs(
        &self,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<OrgId>, StoreError> {
        read!(self, dispatch, audit::orgs(after, limit))
    }

    async fn audit_chain(
        &self,
        org: OrgId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ChainLink>, StoreError> {
        read!(self, any(org), audit::links(org, after, limit))
    }

    async fn unsealed_audit(
        &self,
        org: OrgId,
        after: Option<AuditRecordId>,
        limit: u32,
    ) -> Result<Vec<Unsealed>, StoreError> {
        read!(self, any(org), audit::unsealed(org, after, limit))
    }
}
