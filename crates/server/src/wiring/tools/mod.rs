//! The tools that runs can have: those of this process, an organisation's own, and those of the
//! deployment's MCP servers.

mod brought;
mod discoverer;
mod http;
mod mcp;
mod opened;
mod own;
mod platform;
#[cfg(test)]
mod tests;
mod uses;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use runloom_domain::Clock;
use runloom_engine::port::tool::ToolBox;
use runloom_net::guard::Guard;
use runloom_tools::HttpRequest;

pub(crate) use self::discoverer::{Discoverer, DiscovererParts};
pub(crate) use self::own::{OrgTools, OrgToolsParts};
pub(crate) use self::platform::PlatformTools;
use crate::config::Config;

/// The built-in tools; in a build for tests also those that only tests have, with their ledger
/// in the data folder.
pub(crate) fn tools(config: &Config, clock: Arc<dyn Clock>) -> Result<ToolBox> {
    let mut tools = runloom_tools::builtin(clock);
    let allowed = &config.net.http_request_allow;
    if !allowed.is_empty() {
        let guard = Guard::new(config.net.to_policy());
        let tool = HttpRequest::new(guard, allowed.clone());
        tools = tools.with(tool.context("can't set up http_request")?);
    }
    #[cfg(feature = "testing")]
    let tools = runloom_tools::testing::with_test_tools(tools, config.data.dir.join("effects"));
    Ok(tools)
}
