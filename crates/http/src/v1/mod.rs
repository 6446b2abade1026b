//! The endpoints, one file each: handler, wire types, error mapping and API documentation.

pub(crate) mod api_keys;
pub(crate) mod audit_log;
pub(crate) mod auth;
pub(crate) mod budgets;
pub(crate) mod credits;
pub(crate) mod http_tools;
pub(crate) mod invitations;
pub(crate) mod llm_credentials;
pub(crate) mod llm_routes;
pub(crate) mod mcp_servers;
pub(crate) mod me;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod orgs;
pub(crate) mod params;
pub(crate) mod personas;
pub(crate) mod runs;
pub(crate) mod secret;
pub(crate) mod service_accounts;
pub(crate) mod threads;
pub(crate) mod usage;

use serde::Serialize;
use utoipa::ToSchema;

/// The answer of a request that has nothing to tell.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always true.
    #[schema(example = true)]
    ok: bool,
}

impl Done {
    /// It is done.
    pub(crate) const OK: Self = Self { ok: true };
}
