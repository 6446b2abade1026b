//! What is asked of the configuration while it is written.

use runloom_domain::OrgId;

use crate::Engine;
use crate::port::catalog::{CatalogError, RouteEntry};

impl Engine {
    /// The routes that the organisation's runs can take: its own and the platform's.
    pub async fn routes(&self, org: OrgId) -> Result<Vec<RouteEntry>, CatalogError> {
        self.shared.parts.catalog.routes(org).await
    }

    /// Whether a persona can have a tool of this name.
    pub fn has_tool(&self, name: &str) -> bool {
        self.shared.parts.tools.get(name).is_some()
    }

    /// To be called when the organisation's configuration has been written: runs that this node
    /// creates from now on see it as it is. Other nodes see it within seconds.
    pub fn configuration_changed(&self, org: OrgId) {
        self.shared.parts.catalog.changed(org);
    }
}
