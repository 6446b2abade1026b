//! The personas and routes that runs can have: an organisation's own over the platform's.

mod known;
mod merge;
mod platform;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use quick_cache::sync::Cache;
use runloom_domain::{OrgId, Persona};
use runloom_engine::port::catalog::{Catalog, CatalogError, FixedCatalog, RouteEntry};
use runloom_store::{ConfigStore, StoreError};

use self::known::{Found, Generation, Known};
use self::merge::merged;
pub(crate) use self::platform::platform;

/// How many organisations' configurations are remembered.
const REMEMBERED: usize = 10_000;

/// Reads configurations from the store and remembers them.
///
/// What is remembered is asked for its version once a second, which is one look at one row; so
/// what another node writes is seen a second later. What this node writes is seen at once.
pub(crate) struct OrgCatalog {
    platform: Arc<FixedCatalog>,
    store: Arc<dyn ConfigStore>,
    known: Cache<OrgId, Arc<Known>>,
    generation: Generation,
}

impl OrgCatalog {
    pub(crate) fn new(platform: Arc<FixedCatalog>, store: Arc<dyn ConfigStore>) -> Self {
        Self {
            platform,
            store,
            known: Cache::new(REMEMBERED),
            generation: Generation::default(),
        }
    }

    async fn known(&self, org: OrgId) -> Result<Arc<Known>, StoreError> {
        let now = Instant::now();
        if let Some(known) = self.known.get(&org) {
            // Whoever is first to look again does so for all: they go on with what is there.
            if !known.is_to_be_checked(now)
                || self.store.config_version(org).await? == known.version()
            {
                return Ok(known);
            }
        }
        let before = self.generation.now();
        let configured = self.store.configured(org).await?;
        let routes = merged(configured.routes, &self.platform.routes);
        let known = Arc::new(Known::new(configured.version, routes, now));
        // Written meanwhile by this node, it may be outdated already.
        if self.generation.now() == before {
            self.known.insert(org, Arc::clone(&known));
        }
        Ok(known)
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
        self.generation.advance();
        self.known.remove(&org);
    }
}
