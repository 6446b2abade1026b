//! What organisations keep and may keep.

use async_trait::async_trait;
use runloom_domain::OrgId;
use runloom_store::{By, Measured, Measuring, Quota, QuotaStore, Standing, StoreError};

use crate::sqlite::queries::quotas;
use crate::sqlite::{SqliteStore, done};

#[async_trait]
impl QuotaStore for SqliteStore {
    async fn set_quota(&self, org: OrgId, quota: Quota, by: By) -> Result<bool, StoreError> {
        self.write(move |c| done(quotas::set(c, org, quota, by)))
            .await
    }

    async fn standing(&self, org: OrgId) -> Result<Standing, StoreError> {
        self.read(move |c| done(quotas::standing(c, org))).await
    }

    async fn has_threads(&self, org: OrgId, at_least: u64) -> Result<bool, StoreError> {
        self.read(move |c| done(quotas::has_threads(c, org, at_least)))
            .await
    }

    async fn next_measured(
        &self,
        after: Option<OrgId>,
        all: bool,
    ) -> Result<Option<OrgId>, StoreError> {
        self.read(move |c| done(quotas::next_measured(c, after, all)))
            .await
    }

    async fn measure(
        &self,
        org: OrgId,
        from: Measuring,
        limit: u32,
    ) -> Result<Measured, StoreError> {
        self.read(move |c| done(quotas::measure(c, org, from, limit)))
            .await
    }

    async fn set_stored_bytes(&self, org: OrgId, bytes: u64) -> Result<(), StoreError> {
        self.write(move |c| done(quotas::set_stored_bytes(c, org, bytes)))
            .await
    }
}
