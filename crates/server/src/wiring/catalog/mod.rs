//! The personas and routes that runs can have: an organisation's own over the platform's.

mod known;
mod merge;
mod platform;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use runloom_domain::{OrgId, Persona};
use runloom_engine::port::catalog::{Catalog, CatalogError, FixedCatalog, RouteEntry};
use runloom_store::{ConfigStore, StoreError};

use self::known::{Found, Known};
use self::merge::merged;
pub(crate) use self::platform::platform;
use super::remembered::Remembered;
use super::tools::OrgTools;

/// Reads configurations from the store and [remembers](Remembered) them.
pub(crate) struct OrgCatalog {
    platform: Arc<FixedCatalog>,
    store: Arc<dyn ConfigStore>,
    known: Remembered<Known>,
    tools: Option<Arc<OrgTools>>,
}

impl OrgCatalog {
    pub(crate) fn new(platform: Arc<FixedCatalog>, store: Arc<dyn ConfigStore>) -> Self {
        Self {
            platform,
            known: Remembered::new(Arc::clone(&store)),
            store,
            tools: None,
        }
    }

    /// Tells `tools` too when a configuration has been written.
    pub(crate) fn telling(self, tools: Arc<OrgTools>) -> Self {
        Self {
            tools: Some(tools),
            ..self
        }
    }

    async fn known(&self, org: OrgId) -> Result<Arc<Known>, StoreError> {
        let read = async {
            let configured = self.store.configured(org).await?;
            let routes = merged(configured.routes, &self.platform.routes);
            Ok((configured.version, Known::new(routes)))
        };
        self.known.get(org, read).await
    }

    /// The organisation's own persona.
    async fn own(
        &self,
        known: &Known,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<Arc<Persona>>, StoreError> {
        let asked = (key.map(str::to_owned), version.map(str::to_owned));
        if let Some(Found(found)) = known.persona(&asked) {
            return Ok(found);
        }
        let found = self.store.persona(org, key, version).await?;
        let found = found.map(|record| Arc::new(record.persona));
        known.remember(asked, Found(found.clone()));
        Ok(found)
    }

    async fn find(
        &self,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<Arc<Persona>>, StoreError> {
        let known = self.known(org).await?;
        if let Some(found) = self.own(&known, org, key, version).await? {
            return Ok(Some(found));
        }
        // A persona of one's own hides the platform's of the same key with all its versions.
        let hides = version.is_some() && self.own(&known, org, key, None).await?.is_some();
        if hides {
            return Ok(None);
        }
        let found = self.platform.persona(org, key, version).await;
        Ok(found.unwrap_or_default().map(Arc::new))
    }
}

fn failed(error: StoreError) -> CatalogError {
    CatalogError(error.into())
}

#[async_trait]
impl Catalog for OrgCatalog {
    async fn persona(
        &self,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<Persona>, CatalogError> {
        let found = self.find(org, key, version).await.map_err(failed)?;
        Ok(found.map(Arc::unwrap_or_clone))
    }

    async fn routes(&self, org: OrgId) -> Result<Vec<RouteEntry>, CatalogError> {
        let known = self.known(org).await.map_err(failed)?;
        Ok(known.routes().to_vec())
    }

    fn changed(&self, org: OrgId) {
        self.known.changed(org);
        if let Some(tools) = &self.tools {
            tools.changed(org);
        }
    }
}
