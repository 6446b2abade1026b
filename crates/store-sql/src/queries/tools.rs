//! All tools that an organisation has brought.

use runloom_domain::OrgId;
use runloom_store::ConfiguredTools;

use super::{Conn, config, http_tools, mcp_tools};
use crate::failure::Failure;

/// The version first: what is written after that is found again under the next one.
pub(crate) async fn read(c: &mut Conn, org: OrgId) -> Result<ConfiguredTools, Failure> {
    Ok(ConfiguredTools {
        version: config::version(c, org).await?,
        servers: mcp_tools::listings(c, org).await?,
        http: http_tools::all(c, org).await?,
    })
}
