//! What is asked of the configuration while it is written.

use runloom_domain::{OrgId, ToolPattern};

use crate::Engine;
use crate::port::catalog::{CatalogError, RouteEntry};
use crate::port::tool::SourceError;

impl Engine {
    /// The routes that the organisation's runs can take: its own and the platform's.
    pub async fn routes(&self, org: OrgId) -> Result<Vec<RouteEntry>, CatalogError> {
        self.shared.parts.catalog.routes(org).await
    }

    /// Whether a persona of the organisation can have a tool of this name, be it a pattern.
    pub async fn has_tool(&self, org: OrgId, name: &str) -> Result<bool, SourceError> {
        // What an MCP server lists changes with time; a run leaves out what nobody offers.
        let is_lasting = !name.starts_with("mcp__") && !ToolPattern::new(name).is_open();
        if !is_lasting || self.shared.parts.tools.get(name).is_some() {
            return Ok(true);
        }
        for source in &self.shared.parts.sources {
            let mut offered = source.offered(org).await?.into_iter();
            if offered.any(|tool| tool.definition.name == name) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// To be called when the organisation's configuration has been written: runs that this node
    /// creates from now on see it as it is. Other nodes see it within seconds.
    pub fn configuration_changed(&self, org: OrgId) {
        self.shared.parts.catalog.changed(org);
    }
}
