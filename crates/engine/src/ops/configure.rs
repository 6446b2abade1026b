//! What is asked of the configuration while it is written.

use runloom_domain::{OrgId, ToolPattern};

use crate::port::catalog::{CatalogError, RouteEntry};
use crate::port::tool::SourceError;
use crate::{AGENT_TOOLS, Engine};

impl Engine {
    /// The routes that the organisation's runs can take: its own and the platform's.
    pub async fn routes(&self, org: OrgId) -> Result<Vec<RouteEntry>, CatalogError> {
        self.shared.parts.catalog.routes(org).await
    }

    /// The first of these names that no tool of the organisation's can have. Patterns, and tools of
    /// MCP servers, may come to be there later.
    pub async fn missing_tool(
        &self,
        org: OrgId,
        names: &[String],
    ) -> Result<Option<String>, CatalogError> {
        let parts = &self.shared.parts;
        let is_own = |name: &str| parts.tools.get(name).is_some() || AGENT_TOOLS.contains(&name);
        let mut missing: Vec<&String> = names
            .iter()
            .filter(|name| !is_own(name) && !ToolPattern::new(name).is_resolved_late())
            .collect();
        for source in &parts.sources {
            if missing.is_empty() {
                break;
            }
            let offered = source.offered(org).await;
            let offered = offered.map_err(|SourceError(error)| CatalogError(error))?;
            for tool in offered.iter() {
                missing.retain(|name| **name != tool.definition.name);
            }
        }
        Ok(missing.first().map(|name| (*name).clone()))
    }

    /// To be called when the organisation's configuration has been written: runs that this node
    /// creates from now on see it as it is. Other nodes see it within seconds.
    pub fn configuration_changed(&self, org: OrgId) {
        self.shared.parts.catalog.changed(org);
    }
}
