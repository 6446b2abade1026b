use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_accounts::Vault;
use runloom_domain::{HttpToolId, McpServerId, OrgId, ToolOrigin, ToolPin};
use runloom_engine::port::tool::{OfferedTool, SourceError, Tool, ToolError, ToolSource};
use runloom_store::{HttpToolRecord, McpListing, McpToolState, Store, StoreError, ToolVersion};
use runloom_tools::http_tool::HttpTools;
use runloom_tools::mcp::Pool;

use super::brought::Brought;
use super::opened::Opened;
use super::uses::Uses;
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
    /// How old the lists of their servers' tools get while they begin runs.
    pub(crate) refresh: Duration,
}

/// The tools that organisations have brought.
pub(crate) struct OrgTools {
    parts: OrgToolsParts,
    known: Remembered<Brought>,
    opened: Opened,
    uses: Uses,
}

impl OrgTools {
    pub(crate) fn new(parts: OrgToolsParts) -> Self {
        Self {
            known: Remembered::new(parts.store.clone()),
            opened: Opened::default(),
            // Some times before a list is too old, since the first may come a moment early.
            uses: Uses::new(parts.refresh / 4),
            parts,
        }
    }

    /// Forgets an organisation's tools, which have been written by this node.
    pub(crate) fn changed(&self, org: OrgId) {
        self.known.changed(org);
        self.uses.news.notify_one();
    }

    /// Waits until servers may have to be asked for their tools, or connections to be ended.
    /// One waiter at a time.
    pub(crate) async fn wanted(&self) {
        self.uses.news.notified().await;
    }

    /// The organisations that began runs since this was asked last.
    pub(crate) fn take_used(&self) -> BTreeSet<OrgId> {
        self.uses.take()
    }

    /// Whose server it is, if a run of this node has used it of late.
    pub(crate) fn owner(&self, server: McpServerId) -> Option<OrgId> {
        self.opened.owner(server)
    }

    /// Ends connections to servers that are deleted, switched off or to be reached in another
    /// way, as far as this node knows; what another has written it knows a second later.
    pub(crate) async fn end_unwanted(&self) {
        let pool = &self.parts.pool;
        let holds = |server: McpServerId| pool.holds(&server.to_string());
        for org in self.opened.owners(holds) {
            let known = match self.known(org).await {
                Ok(known) => known,
                Err(error) => {
                    tracing::warn!(%error, %org, "an organisation's tools can't be read");
                    continue;
                }
            };
            for server in self.opened.take_unwanted(org, &known.tools.servers) {
                pool.forget(&server.to_string());
            }
        }
    }

    async fn known(&self, org: OrgId) -> Result<Arc<Brought>, StoreError> {
        let read = async {
            let mut tools = self.parts.store.configured_tools(org).await?;
            // What nobody has approved is for those who look at the list, not for runs.
            for tool in tools.servers.iter_mut().flat_map(|known| &mut known.tools) {
                tool.pending = None;
            }
            Ok((tools.version, Brought::new(tools)))
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
        let server = self.parts.pool.server(spec);
        self.opened.note(&listing.server);
        Ok(Arc::new(server.tool(info)))
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
    async fn offered(&self, org: OrgId) -> Result<Arc<[OfferedTool]>, SourceError> {
        let known = self.known(org).await;
        let known = known.map_err(|error| SourceError(error.into()))?;
        if !known.tools.servers.is_empty() {
            self.uses.note(org);
        }
        Ok(Arc::clone(&known.offered))
    }

    async fn open(&self, org: OrgId, pin: &ToolPin) -> Result<Arc<dyn Tool>, ToolError> {
        let known = self.known(org).await.map_err(|error| unreadable(&error))?;
        match &pin.origin {
            ToolOrigin::Mcp { server, tool } => {
                let id: Option<McpServerId> = server.parse().ok();
                let mut servers = known.tools.servers.iter();
                let found = servers.find(|listing| Some(listing.server.server_id) == id);
                self.open_mcp(found.ok_or_else(gone)?, tool, pin).await
            }
            ToolOrigin::Http { tool_id } => {
                let id: Option<HttpToolId> = tool_id.parse().ok();
                let found = known
                    .tools
                    .http
                    .iter()
                    .find(|tool| Some(tool.tool_id) == id);
                self.open_http(found.ok_or_else(gone)?, pin).await
            }
            ToolOrigin::Builtin | ToolOrigin::Client => Err(gone()),
        }
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
