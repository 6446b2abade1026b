use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{OrgId, Timestamp, ToolClass, UserId};
use runloom_engine::port::catalog::Source;
use runloom_store::{Discovery, McpAuth, McpListing, McpServerRecord, McpToolState, ToolVersion};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::refresh::McpRefreshError;
use crate::configuring::PlatformServer;

/// An MCP server without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct McpServer {
    /// A UUID, or the key of a platform's server.
    id: String,
    /// `organisation`, or `platform` for a server of the deployment's, which can't be changed.
    #[schema(example = "organisation")]
    source: &'static str,
    /// Null for the platform's.
    #[schema(required, value_type = Option<Uuid>)]
    org_id: Option<OrgId>,
    /// The part of its tools' names, `mcp__KEY__TOOL`.
    #[schema(example = "github")]
    key: String,
    name: String,
    /// Null for the platform's.
    #[schema(required)]
    url: Option<String>,
    /// How it is shown who is calling; null when it isn't.
    #[schema(required)]
    auth: Option<ShownAuth>,
    enabled: bool,
    trusted: bool,
    approve_new: bool,
    classes: Vec<ShownClass>,
    call_timeout_ms: u64,
    longest_ms: u64,
    /// When its tools were listed last since it has its URL.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    listed_at: Option<Timestamp>,
    /// What came of asking it for its tools, which happens by itself.
    discovery: ShownDiscovery,
    /// Raised by each change, also of its tools; the ETag. Null for the platform's, as are the
    /// rest.
    #[schema(required)]
    version: Option<u64>,
    #[schema(required, value_type = Option<Uuid>)]
    created_by_user_id: Option<UserId>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

/// What came of asking a server for its tools. It has no part in the ETag.
#[derive(Serialize, ToSchema)]
#[schema(as = McpDiscovery)]
pub(crate) struct ShownDiscovery {
    /// `waiting`: it has not been asked since it can be reached as it is, and will be soon. `ok`:
    /// it answered. `failed`: it didn't, and is asked again. `off`: it is switched off.
    #[schema(example = "ok")]
    state: &'static str,
    /// When it was asked last.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    asked_at: Option<Timestamp>,
    /// Why it didn't answer then.
    #[schema(required)]
    error: Option<McpRefreshError>,
}

/// How a server is shown who is calling, without the secret.
#[derive(Serialize, ToSchema)]
#[schema(as = McpAuth)]
pub(crate) struct ShownAuth {
    /// `bearer` or `client_credentials`.
    kind: &'static str,
    #[schema(required)]
    token_url: Option<String>,
    #[schema(required)]
    client_id: Option<String>,
    #[schema(required)]
    scope: Option<String>,
}

/// The class of some tools of a server.
#[derive(Serialize, ToSchema)]
#[schema(as = ShownMcpToolClass)]
pub(crate) struct ShownClass {
    tools: String,
    #[schema(value_type = String)]
    class: ToolClass,
}

/// A tool of an MCP server.
#[derive(Serialize, ToSchema)]
#[schema(as = McpTool)]
pub(crate) struct McpToolShown {
    /// Its name at the server.
    tool: String,
    /// `approved`: runs may use it. `changed`: it was approved and is another one since. `new`:
    /// nobody has approved it. `gone`: the server doesn't list it any more.
    state: &'static str,
    /// As it was approved.
    #[schema(required)]
    approved: Option<McpDefinition>,
    /// As it is now, when that waits to be approved.
    #[schema(required)]
    pending: Option<McpDefinition>,
    /// When its server listed it last. Null for the platform's.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    seen_at: Option<Timestamp>,
}

/// A tool as models see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct McpDefinition {
    #[schema(example = "mcp__github__create_issue")]
    name: String,
    description: String,
    /// JSON schema of the arguments.
    #[schema(value_type = Object)]
    schema: Value,
    /// SHA-256 of the three above, in hex.
    hash: String,
    /// What a crash in mid-call means: `pure`, `keyed` or `once`.
    #[schema(value_type = String)]
    class: ToolClass,
}

impl From<McpServerRecord> for McpServer {
    fn from(record: McpServerRecord) -> Self {
        let settings = record.settings;
        let discovery = discovery(settings.enabled, record.discovery);
        let classes = settings.classes.into_iter();
        let classes = classes.map(|(tools, class)| ShownClass { tools, class });
        Self {
            id: record.server_id.to_string(),
            source: Source::Organisation.as_str(),
            org_id: Some(record.org_id),
            key: record.key,
            name: settings.name,
            url: Some(settings.url),
            auth: shown(settings.auth),
            enabled: settings.enabled,
            trusted: settings.trusted,
            approve_new: settings.approve_new,
            classes: classes.collect(),
            call_timeout_ms: settings.call_timeout_ms,
            longest_ms: settings.longest_ms,
            listed_at: record.listed_at,
            discovery,
            version: Some(record.version),
            created_by_user_id: Some(record.created_by),
            created_at: Some(record.created_at),
            updated_at: Some(record.updated_at),
        }
    }
}

/// A server of the platform's.
impl From<&PlatformServer> for McpServer {
    fn from(server: &PlatformServer) -> Self {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let classes = server.classes.iter().cloned();
        Self {
            id: server.key.clone(),
            source: Source::Platform.as_str(),
            org_id: None,
            key: server.key.clone(),
            name: server.key.clone(),
            url: None,
            auth: None,
            enabled: true,
            trusted: server.trusted,
            // What the operator's servers list counts at once.
            approve_new: true,
            classes: classes
                .map(|(tools, class)| ShownClass { tools, class })
                .collect(),
            call_timeout_ms: milliseconds(server.call),
            longest_ms: milliseconds(server.longest),
            listed_at: None,
            discovery: ShownDiscovery {
                state: if server.tools.is_some() {
                    "ok"
                } else {
                    "waiting"
                },
                asked_at: None,
                error: None,
            },
            version: None,
            created_by_user_id: None,
            created_at: None,
            updated_at: None,
        }
    }
}

fn discovery(enabled: bool, discovery: Discovery) -> ShownDiscovery {
    let state = match (enabled, &discovery) {
        (false, _) => "off",
        (true, Discovery { error: Some(_), .. }) => "failed",
        (true, Discovery { asked_at: None, .. }) => "waiting",
        (true, _) => "ok",
    };
    ShownDiscovery {
        state,
        asked_at: discovery.asked_at,
        error: discovery.error.map(|error| McpRefreshError {
            error_class: error.class,
            message: error.message,
        }),
    }
}

fn shown(auth: McpAuth) -> Option<ShownAuth> {
    match auth {
        McpAuth::None => None,
        McpAuth::Bearer(_) => Some(ShownAuth {
            kind: "bearer",
            token_url: None,
            client_id: None,
            scope: None,
        }),
        McpAuth::ClientCredentials {
            token_url,
            client_id,
            scope,
            ..
        } => Some(ShownAuth {
            kind: "client_credentials",
            token_url: Some(token_url),
            client_id: Some(client_id),
            scope,
        }),
    }
}

/// The tools of a platform's server, by name.
pub(crate) fn platform_tools(server: PlatformServer) -> Vec<McpToolShown> {
    let tools = server.tools.into_iter().flatten();
    tools
        .map(|found| McpToolShown {
            tool: found.tool,
            state: McpToolState::Approved.as_str(),
            approved: Some(described(found.version, |hint| hint)),
            pending: None,
            seen_at: None,
        })
        .collect()
}

fn described(version: ToolVersion, class: impl Fn(ToolClass) -> ToolClass) -> McpDefinition {
    let definition = Arc::unwrap_or_clone(version.definition);
    McpDefinition {
        name: definition.name,
        description: definition.description,
        schema: definition.schema,
        hash: version.hash,
        class: class(version.hint),
    }
}

/// The tools of a server, by name.
pub(crate) fn shown_tools(listing: McpListing) -> Vec<McpToolShown> {
    let settings = listing.server.settings;
    let tools = listing.tools.into_iter();
    tools
        .map(|tool| {
            let class = |hint| settings.class(&tool.tool, hint);
            let described = |version| described(version, class);
            McpToolShown {
                state: tool.state.as_str(),
                approved: tool.approved.map(described),
                pending: tool.pending.map(described),
                seen_at: Some(tool.seen_at),
                tool: tool.tool,
            }
        })
        .collect()
}
