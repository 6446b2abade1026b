use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::Environment;

/// `[tools]`: the tools that organisations bring.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tools {
    /// `RUNLOOM_MCP_REFRESH_SECONDS`: how old the list of an MCP server's tools gets while its
    /// organisation begins runs. Default 900.
    pub mcp_refresh_seconds: u32,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            mcp_refresh_seconds: 900,
        }
    }
}

impl Tools {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace("RUNLOOM_MCP_REFRESH_SECONDS", &mut self.mcp_refresh_seconds)
    }

    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.mcp_refresh_seconds > 0,
            "RUNLOOM_MCP_REFRESH_SECONDS (tools.mcp_refresh_seconds) is 0"
        );
        Ok(())
    }

    /// How old the list of an MCP server's tools gets.
    pub fn mcp_refresh(&self) -> Duration {
        Duration::from_secs(self.mcp_refresh_seconds.into())
    }
}
