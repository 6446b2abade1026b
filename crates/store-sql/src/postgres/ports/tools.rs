//! The tools that organisations bring.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use runloom_domain::{HttpToolId, McpServerId, OrgId, Timestamp};
use runloom_store::{
    By, ConfiguredTools, DeleteConfig, DiscoveryError, FoundTool, HttpToolRecord, HttpToolSettings,
    Idempotency, McpListing, McpServerRecord, McpServerSettings, NewHttpTool, NewMcpServer, Once,
    Page, Paged, StoreError, ToolRefusal, ToolStore, UnknownTool, Update, WantedDiscovery,
};

use crate::postgres::dialect::Now;
use crate::postgres::queries::{discoveries, http_tools, mcp_servers, mcp_tools, tools};
use crate::postgres::scope::Scope;
use crate::postgres::transaction::transaction;
use crate::postgres::{PostgresStore, error};

#[async_trait]
impl ToolStore for PostgresStore {
    async fn configured_tools(&self, org: OrgId) -> Result<ConfiguredTools, StoreError> {
        read!(self, any(org), tools::read(org))
    }

    async fn create_mcp_server(
        &self,
        new: NewMcpServer,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), ToolRefusal>>, StoreError> {
        decide!(self, create(new.org_id), (new, once), |c, (new, once)| {
            mcp_servers::create(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
    ) -> Result<Option<McpServerRecord>, StoreError> {
        read!(self, any(org), mcp_servers::get(org, server))
    }

    async fn mcp_servers(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<McpServerRecord>, StoreError> {
        read!(self, any(org), mcp_servers::list(org, page))
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
        decide!(self, any(org), settings, |c, settings| {
            mcp_servers::update(c, Now, (org, server), expected, settings.clone(), at, by)
        })
    }

    async fn delete_mcp_server(
        &self,
        org: OrgId,
        server: McpServerId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        decide!(self, any(org), (), |c, ()| {
            mcp_servers::delete(c, (org, server), expected, by)
        })
    }

    async fn mcp_listing(
        &self,
        org: OrgId,
        server: McpServerId,
    ) -> Result<Option<McpListing>, StoreError> {
        read!(self, any(org), mcp_tools::listing(org, server))
    }

    async fn claim_discoveries(
        &self,
        limit: u32,
        hold: Duration,
    ) -> Result<Vec<(OrgId, McpServerId)>, StoreError> {
        decide!(self, dispatch, (), |c, ()| {
            discoveries::claim(c, Now, limit, hold)
        })
    }

    async fn want_discovery(&self, org: OrgId, wanted: WantedDiscovery) -> Result<(), StoreError> {
        decide!(self, any(org), (), |c, ()| {
            discoveries::want(c, Now, org, wanted)
        })
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
        decide!(self, any(org), found, |c, found| {
            discoveries::put(c, (Now, next), (org, server), expected, found.clone(), at)
        })
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
        decide!(self, any(org), failed, |c, failed| {
            discoveries::put_failure(c, (Now, next), (org, server), expected, failed.clone(), at)
        })
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
        decide!(self, any(org), tools, |c, tools| {
            mcp_tools::approve_named(c, (org, server), expected, tools.as_deref(), at, by)
        })
    }

    async fn create_http_tool(
        &self,
        new: NewHttpTool,
        once: Option<Idempotency>,
        by: By,
    ) -> Result<Once<Result<(), ToolRefusal>>, StoreError> {
        decide!(self, create(new.org_id), (new, once), |c, (new, once)| {
            http_tools::create(c, Now, new.clone(), once.clone(), by)
        })
    }

    async fn http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
    ) -> Result<Option<HttpToolRecord>, StoreError> {
        read!(self, any(org), http_tools::get(org, tool))
    }

    async fn http_tools(
        &self,
        org: OrgId,
        page: Page,
    ) -> Result<Paged<HttpToolRecord>, StoreError> {
        read!(self, any(org), http_tools::list(org, page))
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
        decide!(self, any(org), settings, |c, settings| {
            http_tools::update(c, (org, tool), expected, settings.clone(), at, by)
        })
    }

    async fn delete_http_tool(
        &self,
        org: OrgId,
        tool: HttpToolId,
        expected: Option<u64>,
        by: By,
    ) -> Result<DeleteConfig, StoreError> {
        decide!(self, any(org), (), |c, ()| {
            http_tools::delete(c, org, tool, expected, by)
        })
    }
}
