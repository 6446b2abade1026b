//! Organisations' MCP servers in the terms of whoever calls them.

use std::time::Duration;

use runloom_accounts::{Place, Vault, VaultError};
use runloom_domain::ToolPin;
use runloom_engine::port::tool::ToolError;
use runloom_store::{FoundTool, McpAuth, McpServerRecord, SecretColumn, ToolVersion};
use runloom_tools::mcp::{Auth, Limits, McpError, McpServerSpec, McpToolInfo, Pool, Transport};

use super::http::open;

/// A server with its secret decrypted.
pub(super) async fn spec(
    vault: &Vault,
    server: &McpServerRecord,
) -> Result<McpServerSpec, ToolError> {
    let settings = &server.settings;
    let transport = Transport::Http {
        url: settings.url.clone(),
        auth: auth(vault, server).await?,
    };
    Ok(McpServerSpec {
        trusted: settings.trusted,
        classes: settings.classes.clone(),
        limits: Limits {
            call: Duration::from_millis(settings.call_timeout_ms),
            longest: Duration::from_millis(settings.longest_ms),
            ..Limits::default()
        },
        ..McpServerSpec::new(server.server_id.to_string(), &server.key, transport)
    })
}

async fn auth(vault: &Vault, server: &McpServerRecord) -> Result<Auth, ToolError> {
    let (org, row) = (server.org_id, server.server_id.to_string());
    let place = Place::of(SecretColumn::McpServer, &row);
    Ok(match &server.settings.auth {
        McpAuth::None => Auth::None,
        McpAuth::Bearer(token) => Auth::Bearer(open(vault, org, place, token).await?),
        McpAuth::ClientCredentials {
            token_url,
            client_id,
            scope,
            secret,
        } => Auth::ClientCredentials {
            token_url: token_url.clone(),
            client_id: client_id.clone(),
            secret: open(vault, org, place, secret).await?,
            scope: scope.clone(),
        },
    })
}

/// What the model is told when a secret can't be decrypted.
pub(super) fn unreadable(error: &VaultError) -> ToolError {
    tracing::error!(%error, "a tool's secret can't be decrypted");
    ToolError::unavailable("the tool's secret can't be read")
}

/// A tool as a run has pinned it.
pub(super) fn info(tool: &str, version: &ToolVersion, pin: &ToolPin) -> McpToolInfo {
    McpToolInfo {
        tool: tool.to_owned(),
        definition: version.definition.clone(),
        hash: version.hash.clone(),
        class: pin.class,
    }
}

/// What a server lists, asked for on a connection that nobody else uses. Dropping the future ends
/// it.
pub(super) async fn discover(
    pool: &Pool,
    vault: &Vault,
    server: &McpServerRecord,
) -> Result<Vec<FoundTool>, ToolError> {
    let asked = McpServerSpec {
        id: format!("asked {}", uuid::Uuid::now_v7()),
        // A server that is trusted has the classes that it hints at.
        trusted: true,
        classes: vec![],
        ..spec(vault, server).await?
    };
    let forgotten = Forgotten {
        pool,
        id: asked.id.clone(),
    };
    let catalog = pool.server(asked).catalog().await.map_err(told)?;
    drop(forgotten);
    let found = catalog.tools.iter().map(|info| FoundTool {
        tool: info.tool.clone(),
        version: ToolVersion::new(info.definition.clone(), info.class),
    });
    Ok(found.collect())
}

fn told(error: McpError) -> ToolError {
    match error {
        McpError::Idle(_) | McpError::Slow(_) => ToolError::new("tool.timeout", error.to_string()),
        error => ToolError::unavailable(error.to_string()),
    }
}

/// Ends a connection also when nobody waits for it any more.
struct Forgotten<'a> {
    pool: &'a Pool,
    id: String,
}

impl Drop for Forgotten<'_> {
    fn drop(&mut self) {
        self.pool.forget(&self.id);
    }
}
