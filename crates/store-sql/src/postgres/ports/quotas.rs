//! What organisations keep and may keep.

use async_trait::async_trait;
use runloom_domain::OrgId;
use runloom_store::{By, Measured, Measuring, Quota, QuotaStore, Standing, StoreError};

use crate::postgres::queries::quotas;
use crate::postgres::scope::Scope;
use crate::postgres::{PostgresStore, error};

#[async_trait]
impl QuotaStore for PostgresStore {
    async fn set_quota(&self, org: OrgId, quota: Quota, by: By) -> Result<bool, StoreError> {
        write!(self, any(org), c => quotas::set(c, org, quota, by).await)
    }

    async fn standing(&self, org: OrgId) -> Result<Standing, StoreError> {
        read!(self, any(org), quotas::standing(org))
    }

    async fn has_threads(&self, org: OrgId, at_least: u64) -> Result<bool, StoreError> {
        read!(self, any(org), quotas::has_threads(org, at_least))
    }

    async fn next_measured(
        &self,
        after: Option<OrgId>,
        all: bool,
    ) -> Result<Option<OrgId>, StoreError> {
        read!(self, dispatch, quotas::next_measured(after, all))
    }

    async fn measure(
        &self,
        org: OrgId,
        from: Measuring,
        limit: u32,
    ) -> Result<Measured, StoreError> {
        read!(self, any(org), quotas::measure(org, from, limit))
    }

    async fn set_stored_bytes(&self, org: OrgId, bytes: u64) -> Result<(), StoreError> {
        write!(self, any(org), c => quotas::set_stored_bytes(c, org, bytes).await)
    }
}
