use runloom_domain::{McpServerId, OrgId, Timestamp, ToolClass, UserId};
use runloom_store::{McpAuth, McpListing, McpServerRecord, ToolVersion};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An MCP server without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct McpServer {
    #[schema(value_type = Uuid)]
    id: McpServerId,
    #[schema(value_type = Uuid)]
    org_id: OrgId,
    /// The part of its tools' names, `mcp__KEY__TOOL`.
    #[schema(example = "github")]
    key: String,
    name: String,
    url: String,
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
    /// Raised by each change, also of its tools; the ETag.
    version: u64,
    #[schema(value_type = Uuid)]
    created_by_user_id: UserId,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
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
    /// When its server listed it last.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
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
        let classes = settings.classes.into_iter();
        let classes = classes.map(|(tools, class)| ShownClass { tools, class });
        Self {
            id: record.server_id,
            org_id: record.org_id,
            key: record.key,
            name: settings.name,
            url: settings.url,
            auth: shown(settings.auth),
            enabled: settings.enabled,
            trusted: settings.trusted,
            approve_new: settings.approve_new,
            classes: classes.collect(),
            call_timeout_ms: settings.call_timeout_ms,
            longest_ms: settings.longest_ms,
            listed_at: record.listed_at,
            version: record.version,
            created_by_user_id: record.created_by,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
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

/// The tools of a server, by name.
pub(crate) fn shown_tools(listing: McpListing) -> Vec<McpToolShown> {
    let settings = listing.server.settings;
    let tools = listing.tools.into_iter();
    tools
        .map(|tool| {
            let described = |version: ToolVersion| McpDefinition {
                name: version.definition.name,
                description: version.definition.description,
                schema: version.definition.schema,
                hash: version.hash,
                class: settings.class(&tool.tool, version.hint),
            };
            McpToolShown {
                state: tool.state.as_str(),
                approved: tool.approved.map(described),
                pending: tool.pending.map(described),
                seen_at: tool.seen_at,
                tool: tool.tool,
            }
        })
        .collect()
}
