//! Organisations' HTTP tools in the terms of whoever calls them.

use std::time::Duration;

use runloom_accounts::{Place, Vault};
use runloom_domain::{EncryptedSecret, OrgId, ToolClass};
use runloom_engine::port::tool::ToolError;
use runloom_store::{HttpMethod, HttpToolRecord, SecretColumn};
use runloom_tools::Secret;
use runloom_tools::http_tool::{HttpToolSpec, Method};

use super::mcp::unreadable;

/// A tool with its secrets decrypted, of the class that a run has pinned.
pub(super) async fn spec(
    vault: &Vault,
    tool: &HttpToolRecord,
    class: ToolClass,
) -> Result<HttpToolSpec, ToolError> {
    let (settings, row) = (&tool.settings, tool.tool_id.to_string());
    let secret_header = match &settings.secret_header {
        Some(header) => {
            let place = Place::of(SecretColumn::HttpTool, &row);
            let value = open(vault, tool.org_id, place, &header.value).await?;
            Some((header.name.clone(), value))
        }
        None => None,
    };
    let place = Place::of(SecretColumn::HttpToolSigning, &row);
    Ok(HttpToolSpec {
        definition: settings.definition.clone(),
        class,
        url: settings.url.clone(),
        method: match settings.method {
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Patch => Method::PATCH,
        },
        headers: settings.headers.clone(),
        secret_header,
        signing_secret: open(vault, tool.org_id, place, &settings.signing_secret).await?,
        timeout: Duration::from_millis(settings.timeout_ms),
    })
}

/// A secret of an organisation, decrypted.
pub(super) async fn open(
    vault: &Vault,
    org: OrgId,
    place: Place<'_>,
    secret: &EncryptedSecret,
) -> Result<Secret, ToolError> {
    let opened = vault.open(org, place, secret).await;
    let opened = opened.map_err(|error| unreadable(&error))?;
    Ok(Secret::new(opened.expose().to_owned()))
}
