//! MCP servers of organisations, and what is known of their tools. Their secrets go in and never
//! come out.

pub(crate) mod approve;
pub(crate) mod auth;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod refresh;
mod said;
mod shown;
pub(crate) mod tools;
pub(crate) mod update;

pub(crate) use shown::{McpServer, McpToolShown, platform_tools, shown_tools};

use runloom_domain::McpServerId;
use runloom_store::ToolRefusal;

use crate::configuring::PlatformServer;
use crate::error::ApiError;
use crate::extract::ServerKey;
use crate::state::HttpState;

fn not_found() -> ApiError {
    ApiError::not_found("mcp_servers.not_found", "there is no such server")
}

/// The server if it is one that can be changed.
fn own(state: &HttpState, key: &ServerKey) -> Result<McpServerId, ApiError> {
    match key {
        ServerKey::Own(id) => Ok(*id),
        ServerKey::Platform(key) => {
            platform(state, key)?;
            Err(ApiError::conflict(
                "mcp_servers.platform",
                "the server belongs to the platform and can't be changed",
            ))
        }
    }
}

/// The platform's server of this key.
fn platform(state: &HttpState, key: &str) -> Result<PlatformServer, ApiError> {
    let servers = state.configuring().platform_servers.servers();
    let mut servers = servers.into_iter();
    let found = servers.find(|server| server.key == key);
    found.ok_or_else(not_found)
}

fn refused(refusal: ToolRefusal) -> ApiError {
    match refusal {
        ToolRefusal::Taken => {
            ApiError::conflict("mcp_servers.key_taken", "another server has this key")
        }
        ToolRefusal::TooMany => ApiError::conflict(
            "mcp_servers.limit_exceeded",
            "the organisation has as many servers as it may",
        ),
    }
}
