use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{HttpToolId, McpServerId, OrgId, Timestamp};

use crate::memory::MemoryStore;
use crate::memory::lists::newest_first;
use crate::{
    By, ConfiguredTools, DeleteConfig, DiscoveryError, FoundTool, HttpToolRecord, HttpToolSettings,
    Idempotency, McpListing, McpServerRecord, McpServerSettings, NewHttpTool, NewMcpServer, Once,
    Page, PageKey, Paged, StoreError, ToolRefusal, ToolStore, UnknownTool, Update, WantedDiscovery,
};

#[async_trait]
impl ToolStore for MemoryStore {
    async fn configured_tools(&self, org: OrgId) -> Result<ConfiguredTools, StoreError> {
        let state = self.state();
        Ok(ConfiguredTools {
            version: state.config.versions.get(&org).copied().unwrap_or(0),
            servers: state.own_mcp_servers(org).cloned().collect(),
            http: state.own_http_tools(org).cloned().collect(),
        })
    }

    async fn create_mcp_server(
        &self,
        new: NewMcpServer,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), ToolRefusal>>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        let outcome = state.add_mcp_server(new, by)?;
        if outcome.is_ok() {
            state.keep(once, now);
        }
        Ok(Once::Done(outcome))
    }

    async fn mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
    ) -> Result<Option<McpServerRecord>, StoreError> {
        let state = self.state();
        let found = state.own_mcp_server(org, server);
        Ok(found.map(|listing| listing.server.clone()))
    }

    async fn mcp_servers(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<McpServerRecord>, StoreError> {
        let state = self.state();
        let own = state.own_mcp_servers(org);
        let own = own.map(|listing| listing.server.clone()).collect();
        Ok(newest_first(own, page, |row| PageKey {
            created_at: row.created_at,
            id: row.server_id.as_uuid(),
        }))
    }

    async fn update_mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: u64,
        settings: McpServerSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<McpServerRecord>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        state.change_mcp_server(now, (org, server), expected, settings, at, by)
    }

    async fn delete_mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        Ok(self.state().remove_mcp_server((org, server), expected, by))
    }

    async fn mcp_listing(
        &self,
        org: OrgId,
        server: McpServerId,
    ) -> Result<Option<McpListing>, StoreError> {
        Ok(self.state().own_mcp_server(org, server).cloned())
    }

    async fn claim_discoveries(
        &self,
        limit: u32,
        hold: Duration,
    ) -> Result<Vec<(OrgId, McpServerId)>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        Ok(state.claim_discoveries(now, limit, hold))
    }

    async fn want_discovery(&self, org: OrgId, wanted: WantedDiscovery) -> Result<(), StoreError> {
        let (mut state, now) = (self.state(), self.now());
        state.want_discovery(now, org, wanted);
        Ok(())
    }

    async fn put_discovery(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: u64,
        found: Vec<FoundTool>,
        at: Timestamp,
        next: Duration,
    ) -> Result<Update<McpListing>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        state.discover_tools((now, next), (org, server), expected, found, at)
    }

    async fn put_discovery_failure(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: u64,
        failed: DiscoveryError,
        at: Timestamp,
        next: Duration,
    ) -> Result<Update<()>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        state.miss_discovery((now, next), (org, server), expected, failed, at)
    }

    async fn approve_tools(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: Option<u64>,
        tools: Option<Vec<String>>,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<McpListing, UnknownTool>>, StoreError> {
        let mut state = self.state();
        Ok(state.approve_mcp_tools((org, server), expected, tools.as_deref(), at, by))
    }

    async fn create_http_tool(
        &self,
        new: NewHttpTool,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), ToolRefusal>>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        if let Some(answer) = state.replay(once.as_ref(), now) {
            return Ok(answer);
        }
        let outcome = state.add_http_tool(new, by)?;
        if outcome.is_ok() {
            state.keep(once, now);
        }
        Ok(Once::Done(outcome))
    }

    async fn http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
    ) -> Result<Option<HttpToolRecord>, StoreError> {
        Ok(self.state().own_http_tool(org, tool).cloned())
    }

    async fn http_tools(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<HttpToolRecord>, StoreError> {
        let own = self.state().own_http_tools(org).cloned().collect();
        Ok(newest_first(own, page, |row| PageKey {
            created_at: row.created_at,
            id: row.tool_id.as_uuid(),
        }))
    }

    async fn update_http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
        expected: u64,
        settings: HttpToolSettings,
        at: Timestamp,
        by: By,
    ) -> Result<Update<Result<HttpToolRecord, ToolRefusal>>, StoreError> {
        let mut state = self.state();
        state.change_http_tool((org, tool), expected, settings, at, by)
    }

    async fn delete_http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        Ok(self.state().remove_http_tool(org, tool, expected, by))
    }
}
