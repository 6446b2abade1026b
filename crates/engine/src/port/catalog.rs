//! The configuration port: which personas and routes an organisation has.

use std::error::Error;

use async_trait::async_trait;
use runloom_domain::{OrgId, Persona, Route, RouteRule};

/// Whose a route or a persona is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The deployment's, for all organisations.
    Platform,
    /// The organisation's own.
    Organisation,
}

impl Source {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Organisation => "organisation",
        }
    }
}

/// A route as the configuration has it now.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteEntry {
    /// What a run would freeze of it.
    pub route: Route,
    /// Whether it is taken when nothing else is said.
    pub is_default: bool,
    /// Among several that fit, the highest is taken.
    pub priority: i32,
    /// Which runs it is for, when neither they nor their persona name a route.
    pub when: Option<RouteRule>,
    /// Whose it is.
    pub source: Source,
    /// Where a run goes when this one fails for good.
    pub fallback: Option<String>,
    /// Why it can't be used now: disabled, or without a usable credential.
    pub unavailable: Option<String>,
}

impl RouteEntry {
    /// A usable default route of the platform's without a fallback.
    pub fn default_for(route: Route) -> Self {
        Self {
            route,
            is_default: true,
            priority: 0,
            when: None,
            source: Source::Platform,
            fallback: None,
            unavailable: None,
        }
    }
}

/// The configuration can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the configuration can't be read")]
pub struct CatalogError(#[source] pub Box<dyn Error + Send + Sync>);

/// Personas and routes. Only creating a run reads them; a run that has begun never does.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// The persona called `key` in `version`, or in its newest one; the default persona when
    /// `key` is absent.
    async fn persona(
        &self,
        org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<Persona>, CatalogError>;

    /// The organisation's routes and the platform's.
    async fn routes(&self, org: OrgId) -> Result<Vec<RouteEntry>, CatalogError>;

    /// Says that the organisation's configuration has been written, so that nothing that was
    /// read before is remembered.
    fn changed(&self, org: OrgId) {
        let _ = org;
    }
}

/// A catalog that never changes, the same for every organisation.
#[derive(Clone, Debug, Default)]
pub struct FixedCatalog {
    /// Personas; of several versions of a key the last is the newest. The first of all is
    /// the default one.
    pub personas: Vec<Persona>,
    /// Routes.
    pub routes: Vec<RouteEntry>,
}

#[async_trait]
impl Catalog for FixedCatalog {
    async fn persona(
        &self,
        _org: OrgId,
        key: Option<&str>,
        version: Option<&str>,
    ) -> Result<Option<Persona>, CatalogError> {
        let Some(key) = key else {
            return Ok(self.personas.first().cloned());
        };
        let fits = |persona: &&Persona| {
            persona.id.key == key && version.is_none_or(|version| persona.id.version == version)
        };
        Ok(self.personas.iter().rev().find(fits).cloned())
    }

    async fn routes(&self, _org: OrgId) -> Result<Vec<RouteEntry>, CatalogError> {
        Ok(self.routes.clone())
    }
}
