//! The tools that organisations bring: MCP servers with what they list, and HTTP tools.

mod discovery;
mod http_tool;
mod mcp_server;

use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{HttpToolId, McpServerId, OrgId, Timestamp};

pub use discovery::{
    FoundTool, MAX_MCP_TOOLS, McpToolRecord, McpToolState, ToolVersion, discovered, lists_the_same,
};
pub use http_tool::{
    HttpMethod, HttpToolRecord, HttpToolSettings, NewHttpTool, SecretHeader, http_tool_texts,
};
pub use mcp_server::{
    Discovery, DiscoveryError, McpAuth, McpServerRecord, McpServerSettings, NewMcpServer,
    mcp_server_texts,
};

use crate::{By, DeleteConfig, Idempotency, Once, Page, Paged, StoreError, Update};

/// How many MCP servers an organisation has at most.
pub const MAX_MCP_SERVERS: u64 = 100;

/// How many HTTP tools an organisation has at most.
pub const MAX_HTTP_TOOLS: u64 = 500;

/// Why a server or a tool was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolRefusal {
    /// Another one has its key or name.
    Taken,
    /// The organisation has as many as it may.
    TooMany,
}

/// Which servers are to be asked for their tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedDiscovery {
    /// This one.
    Server(McpServerId),
    /// Those that were asked before this moment, and answered.
    AskedBefore(Timestamp),
}

/// A server with its tools, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct McpListing {
    /// The server.
    pub server: McpServerRecord,
    /// All that is known of its tools.
    pub tools: Vec<McpToolRecord>,
}

/// The server has no tool of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTool(pub String);

/// All tools that an organisation has brought.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfiguredTools {
    /// How often the configuration had been written.
    pub version: u64,
    /// Its MCP servers.
    pub servers: Vec<McpListing>,
    /// Its HTTP tools.
    pub http: Vec<HttpToolRecord>,
}

/// The tools of organisations, which are part of their configuration: each write follows the
/// others and raises [`config_version`](crate::ConfigStore::config_version). Whether a run uses
/// one is told as there.
#[async_trait]
pub trait ToolStore: Send + Sync + 'static {
    /// All tools of an organisation. What is written while this reads may be in it already,
    /// under the version of before.
    async fn configured_tools(&self, org: OrgId) -> Result<ConfiguredTools, StoreError>;

    /// Stores a server.
    async fn create_mcp_server(
        &self,
        new: NewMcpServer,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), ToolRefusal>>, StoreError>;

    /// Reads a server.
    async fn mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
    ) -> Result<Option<McpServerRecord>, StoreError>;

    /// Lists an organisation's servers.
    async fn mcp_servers(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<McpServerRecord>, StoreError>;

    /// Replaces what a server consists of, if it still has the version `expected`. With another
    /// URL its tools count as not listed yet.
    async fn update_mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: u64,
        settings: McpServerSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<McpServerRecord>, StoreError>;

    /// Deletes a server with its secret and its tools, unless a run uses it. Its key may be used
    /// again: runs know a server by its id.
    async fn delete_mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError>;

    /// Reads a server with its tools.
    async fn mcp_listing(
        &self,
        org: OrgId,
        server: McpServerId,
    ) -> Result<Option<McpListing>, StoreError>;

    /// Takes up to `limit` enabled servers of whichever organisations that are to be asked for
    /// their tools now, those that wait for the longest time first. Nobody else gets them for
    /// `hold`. A server is to be asked as soon as it is made, and when it is to be reached in
    /// another way.
    async fn claim_discoveries(
        &self,
        limit: u32,
        hold: Duration,
    ) -> Result<Vec<(OrgId, McpServerId)>, StoreError>;

    /// Has servers of an organisation asked now: that one, or, of all, those that were asked
    /// before `before` and answered.
    async fn want_discovery(&self, org: OrgId, wanted: WantedDiscovery) -> Result<(), StoreError>;

    /// Notes what a server lists, if it still has the version `expected`, in which it was asked,
    /// and has it asked again after `next`, unless somebody wants it sooner. When it lists what
    /// it has listed before, no version is raised.
    async fn put_discovery(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: u64,
        found: Vec<FoundTool>,
        at: Timestamp,
        next: Duration,
    ) -> Result<Update<McpListing>, StoreError>;

    /// Notes that a server has listed nothing; otherwise as above. No version is raised.
    async fn put_discovery_failure(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: u64,
        failed: DiscoveryError,
        at: Timestamp,
        next: Duration,
    ) -> Result<Update<()>, StoreError>;

    /// Approves tools of a server as they are now, or all of them, if it still has the version
    /// `expected`.
    async fn approve_tools(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: Option<u64>,
        tools: Option<Vec<String>>,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<McpListing, UnknownTool>>, StoreError>;

    /// Stores an HTTP tool.
    async fn create_http_tool(
        &self,
        new: NewHttpTool,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), ToolRefusal>>, StoreError>;

    /// Reads an HTTP tool.
    async fn http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
    ) -> Result<Option<HttpToolRecord>, StoreError>;

    /// Lists an organisation's HTTP tools.
    async fn http_tools(&self, org: OrgId, page: Page)
    -> Result<Paged<HttpToolRecord>, StoreError>;

    /// Replaces what an HTTP tool consists of, if it still has the version `expected`.
    async fn update_http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
        expected: u64,
        settings: HttpToolSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<HttpToolRecord, ToolRefusal>>, StoreError>;

    /// Deletes an HTTP tool with its secrets, unless a run uses it.
    async fn delete_http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError>;
}

/// Approves tools among those that are known.
pub fn approve(tools: &mut [McpToolRecord], names: Option<&[String]>) -> Result<(), UnknownTool> {
    let Some(names) = names else {
        tools.iter_mut().for_each(McpToolRecord::approve);
        return Ok(());
    };
    let known = |name: &&String| tools.iter().any(|tool| tool.tool == **name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        return Err(UnknownTool(unknown.clone()));
    }
    let named = tools.iter_mut().filter(|tool| names.contains(&tool.tool));
    named.for_each(McpToolRecord::approve);
    Ok(())
}
