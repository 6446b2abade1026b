//! The tools that organisations bring.

use std::time::Duration;

use async_trait::async_trait;
use runloom_domain::{HttpToolId, McpServerId, OrgId, Timestamp};
use runloom_store::{
    By, ConfiguredTools, DeleteConfig, DiscoveryError, FoundTool, HttpToolRecord, HttpToolSettings,
    Idempotency, McpListing, McpServerRecord, McpServerSettings, NewHttpTool, NewMcpServer, Once,
    Page, Paged, StoreError, ToolRefusal, ToolStore, UnknownTool, Update, WantedDiscovery,
};

use crate::sqlite::queries::{discoveries, http_tools, mcp_servers, mcp_tools, tools};
use crate::sqlite::{SqliteStore, done};

#[async_trait]
impl ToolStore for SqliteStore {
    async fn configured_tools(&self, org: OrgId) -> Result<ConfiguredTools, StoreError> {
        self.read(move |c| done(tools::read(c, org))).await
    }

    async fn create_mcp_server(
        &self,
        new: NewMcpServer,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), ToolRefusal>>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(mcp_servers::create(c, now, new, once, by)))
            .await
    }

    async fn mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
    ) -> Result<Option<McpServerRecord>, StoreError> {
        self.read(move |c| done(mcp_servers::get(c, org, server)))
            .await
    }

    async fn mcp_servers(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<McpServerRecord>, StoreError> {
        self.read(move |c| done(mcp_servers::list(c, org, page)))
            .await
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
        let now = self.now();
        self.decide(move |c| {
            done(mcp_servers::update(
                c,
                now,
                (org, server),
                expected,
                settings,
                at,
                by,
            ))
        })
        .await
    }

    async fn delete_mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        self.decide(move |c| done(mcp_servers::delete(c, (org, server), expected, by)))
            .await
    }

    async fn mcp_listing(
        &self,
        org: OrgId,
        server: McpServerId,
    ) -> Result<Option<McpListing>, StoreError> {
        self.read(move |c| done(mcp_tools::listing(c, org, server)))
            .await
    }

    async fn claim_discoveries(
        &self,
        limit: u32,
        hold: Duration,
    ) -> Result<Vec<(OrgId, McpServerId)>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(discoveries::claim(c, now, limit, hold)))
            .await
    }

    async fn want_discovery(&self, org: OrgId, wanted: WantedDiscovery) -> Result<(), StoreError> {
        let now = self.now();
        self.decide(move |c| done(discoveries::want(c, now, org, wanted)))
            .await
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
        let when = (self.now(), next);
        self.decide(move |c| {
            let place = (org, server);
            done(discoveries::put(c, when, place, expected, found, at))
        })
        .await
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
        let when = (self.now(), next);
        self.decide(move |c| {
            let place = (org, server);
            done(discoveries::put_failure(
                c, when, place, expected, failed, at,
            ))
        })
        .await
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
        self.decide(move |c| {
            done(mcp_tools::approve_named(
                c,
                (org, server),
                expected,
                tools.as_deref(),
                at,
                by,
            ))
        })
        .await
    }

    async fn create_http_tool(
        &self,
        new: NewHttpTool,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), ToolRefusal>>, StoreError> {
        let now = self.now();
        self.decide(move |c| done(http_tools::create(c, now, new, once, by)))
            .await
    }

    async fn http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
    ) -> Result<Option<HttpToolRecord>, StoreError> {
        self.read(move |c| done(http_tools::get(c, org, tool)))
            .await
    }

    async fn http_tools(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<HttpToolRecord>, StoreError> {
        self.read(move |c| done(http_tools::list(c, org, page)))
            .await
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
        self.decide(move |c| {
            done(http_tools::update(
                c,
                (org, tool),
                expected,
                settings,
                at,
                by,
            ))
        })
        .await
    }

    async fn delete_http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        self.decide(move |c| done(http_tools::delete(c, org, tool, expected, by)))
            .await
    }
}
