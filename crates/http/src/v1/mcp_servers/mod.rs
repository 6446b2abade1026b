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

pub(crate) use shown::{McpServer, McpToolShown, shown_tools};

use runloom_store::ToolRefusal;

use crate::error::ApiError;

fn not_found() -> ApiError {
    ApiError::not_found("mcp_servers.not_found", "there is no such server")
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
