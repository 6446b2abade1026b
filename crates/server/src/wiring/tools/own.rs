use std::sync::Arc;

use async_trait::async_trait;
use runloom_accounts::Vault;
use runloom_domain::{HttpToolId, McpServerId, OrgId, ToolOrigin, ToolPin};
use runloom_engine::port::tool::{OfferedTool, SourceError, Tool, ToolError, ToolSource};
use runloom_store::{
    ConfiguredTools, HttpToolRecord, McpListing, McpToolState, Store, StoreError, ToolVersion,
};
use runloom_tools::http_tool::HttpTools;
use runloom_tools::mcp::Pool;

use super::{http, mcp};
use crate::wiring::remembered::Remembered;

/// What an organisation's own tools are made of.
pub(crate) struct OrgToolsParts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    /// Connections to organisations' MCP servers.
    pub(crate) pool: Pool,
    /// Calls their HTTP tools.
    pub(crate) http: HttpTools,
}

/// The tools that organisations have brought.
pub(crate) struct OrgTools {
    parts: OrgToolsParts,
    known: Remembered<ConfiguredTools>,
}

impl OrgTools {
    pub(crate) fn new(parts: OrgToolsParts) -> Self {
        Self {
            known: Remembered::new(parts.store.clone()),
            parts,
        }
    }

    /// Forgets an organisation's tools, which have been written by this node.
    pub(crate) fn changed(&self, org: OrgId) {
        self.known.changed(org);
    }

    async fn known(&self, org: OrgId) -> Result<Arc<ConfiguredTools>, StoreError> {
        let read = async {
            let mut tools = self.parts.store.configured_tools(org).await?;
            // What nobody has approved is for those who look at the list, not for runs.
            for tool in tools.servers.iter_mut().flat_map(|known| &mut known.tools) {
                tool.pending = None;
            }
            Ok((tools.version, tools))
        };
        self.known.get(org, read).await
    }

    async fn open_mcp(
        &self,
        listing: &McpListing,
        tool: &str,
        pin: &ToolPin,
    ) -> Result<Arc<dyn Tool>, ToolError> {
        let version = usable(listing, tool, pin)?;
        let spec = mcp::spec(&self.parts.vault, &listing.server).await?;
        let info = mcp::info(tool, version, pin);
        Ok(Arc::new(self.parts.pool.server(spec).tool(info)))
    }

    async fn open_http(
        &self,
        tool: &HttpToolRecord,
        pin: &ToolPin,
    ) -> Result<Arc<dyn Tool>, ToolError> {
        if !tool.settings.enabled {
            return Err(switched_off());
        }
        if tool.settings.definition.pinned().0 != pin.hash {
            return Err(changed());
        }
        let spec = http::spec(&self.parts.vault, tool, pin.class).await?;
        Ok(Arc::new(self.parts.http.tool(spec)))
    }
}

#[async_trait]
impl ToolSource for OrgTools {
    async fn offered(&self, org: OrgId) -> Result<Vec<OfferedTool>, SourceError> {
        let known = self.known(org).await;
        let known = known.map_err(|error| SourceError(error.into()))?;
        let mcp = known.servers.iter().flat_map(offered_mcp);
        let http = known.http.iter().filter(|tool| tool.settings.enabled);
        Ok(mcp.chain(http.map(offered_http)).collect())
    }

    async fn open(&self, org: OrgId, pin: &ToolPin) -> Result<Arc<dyn Tool>, ToolError> {
        let known = self.known(org).await.map_err(|error| unreadable(&error))?;
        match &pin.origin {
            ToolOrigin::Mcp { server, tool } => {
                let id: Option<McpServerId> = server.parse().ok();
                let mut servers = known.servers.iter();
                let found = servers.find(|listing| Some(listing.server.server_id) == id);
                self.open_mcp(found.ok_or_else(gone)?, tool, pin).await
            }
            ToolOrigin::Http { tool_id } => {
                let id: Option<HttpToolId> = tool_id.parse().ok();
                let found = known.http.iter().find(|tool| Some(tool.tool_id) == id);
                self.open_http(found.ok_or_else(gone)?, pin).await
            }
            ToolOrigin::Builtin | ToolOrigin::Client => Err(gone()),
        }
    }
}

fn offered_mcp(listing: &McpListing) -> impl Iterator<Item = OfferedTool> {
    let server = &listing.server;
    let tools = listing.tools.iter().filter(|_| server.settings.enabled);
    tools.filter_map(|tool| {
        let version = tool.usable()?;
        Some(OfferedTool {
            definition: version.definition.clone(),
            class: server.settings.class(&tool.tool, version.hint),
            origin: ToolOrigin::Mcp {
                server: server.server_id.to_string(),
                tool: tool.tool.clone(),
            },
        })
    })
}

fn offered_http(tool: &HttpToolRecord) -> OfferedTool {
    OfferedTool {
        definition: tool.settings.definition.clone(),
        class: tool.settings.class,
        origin: ToolOrigin::Http {
            tool_id: tool.tool_id.to_string(),
        },
    }
}

/// The tool of a server as the run knows it, if it may still be used so.
fn usable<'a>(
    listing: &'a McpListing,
    tool: &str,
    pin: &ToolPin,
) -> Result<&'a ToolVersion, ToolError> {
    if !listing.server.settings.enabled {
        return Err(switched_off());
    }
    let mut tools = listing.tools.iter();
    let record = tools.find(|record| record.tool == tool).ok_or_else(gone)?;
    match (record.state, record.usable()) {
        (_, Some(version)) if version.hash == pin.hash => Ok(version),
        (McpToolState::Gone, _) => Err(gone()),
        _ => Err(changed()),
    }
}

fn gone() -> ToolError {
    ToolError::unavailable("the tool is not there any more")
}

fn switched_off() -> ToolError {
    ToolError::unavailable("the tool is switched off")
}

fn changed() -> ToolError {
    let why = "the tool's definition has changed since the run began";
    ToolError::new("tool.definition_changed", why)
}

fn unreadable(error: &StoreError) -> ToolError {
    tracing::error!(error = %error, "an organisation's tools can't be read");
    ToolError::unavailable("the tool can't be looked up at the moment")
}
