use runloom_domain::{
    EncryptedSecret, McpServerId, OrgId, Timestamp, ToolClass, ToolPattern, UserId,
};

/// How a server is shown who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum McpAuth {
    /// Not at all.
    None,
    /// By a token that doesn't change.
    Bearer(EncryptedSecret),
    /// By tokens that an OAuth server gives for an id and a secret.
    ClientCredentials {
        /// Where tokens come from.
        token_url: String,
        /// The id there.
        client_id: String,
        /// What the token shall be good for.
        scope: Option<String>,
        /// What proves the id.
        secret: EncryptedSecret,
    },
}

impl McpAuth {
    /// The secret in it.
    pub const fn secret(&self) -> Option<&EncryptedSecret> {
        match self {
            Self::None => None,
            Self::Bearer(secret) | Self::ClientCredentials { secret, .. } => Some(secret),
        }
    }
}

/// What an MCP server consists of, as far as it can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServerSettings {
    /// What people call it.
    pub name: String,
    /// Where messages are posted to.
    pub url: String,
    /// How it is shown who is calling.
    pub auth: McpAuth,
    /// Whether its tools may be used at all.
    pub enabled: bool,
    /// Whether its hints on what its tools do are believed.
    pub trusted: bool,
    /// Whether tools that it has got since it was made known are approved by themselves.
    pub approve_new: bool,
    /// Classes by patterns on its tools' own names; the first that fits wins over any hint.
    pub classes: Vec<(String, ToolClass)>,
    /// How long a call may take without a sign of progress, in milliseconds.
    pub call_timeout_ms: u64,
    /// How long a call may take in all, in milliseconds.
    pub longest_ms: u64,
}

impl McpServerSettings {
    /// Whether what came of asking it as it was says something of it as it is.
    pub fn is_asked_as(&self, before: &Self) -> bool {
        self.url == before.url && self.auth == before.auth && self.enabled == before.enabled
    }

    /// What a crash in mid-call means for one of its tools, which hints at `hint` itself.
    pub fn class(&self, tool: &str, hint: ToolClass) -> ToolClass {
        let mut said = self.classes.iter();
        match said.find(|(pattern, _)| ToolPattern::new(pattern).fits(tool)) {
            Some((_, class)) => *class,
            None if self.trusted => hint,
            None => ToolClass::Once,
        }
    }
}

/// An MCP server to be stored.
#[derive(Clone, Debug)]
pub struct NewMcpServer {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub server_id: McpServerId,
    /// The part of its tools' names, which never changes.
    pub key: String,
    /// What it consists of.
    pub settings: McpServerSettings,
    /// Who makes it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// An MCP server as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServerRecord {
    /// Its organisation.
    pub org_id: OrgId,
    /// Its id.
    pub server_id: McpServerId,
    /// The part of its tools' names.
    pub key: String,
    /// What it consists of.
    pub settings: McpServerSettings,
    /// When its tools were listed last since it has its URL.
    pub listed_at: Option<Timestamp>,
    /// Raised by each change, also of its tools, from 1.
    pub version: u64,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What came of asking it for its tools.
    pub discovery: Discovery,
}

/// What came of asking a server for its tools. It isn't configuration: writing it raises no
/// version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// When it was asked last since it can be reached as it is, if it was.
    pub asked_at: Option<Timestamp>,
    /// How often it has failed since it answered.
    pub failures: u32,
    /// Why it failed last, unless it has answered since.
    pub error: Option<DiscoveryError>,
}

/// Why a server didn't list its tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveryError {
    /// As a call of a tool would fail with.
    pub class: String,
    /// For people.
    pub message: String,
}

impl From<NewMcpServer> for McpServerRecord {
    fn from(new: NewMcpServer) -> Self {
        Self {
            org_id: new.org_id,
            server_id: new.server_id,
            key: new.key,
            settings: new.settings,
            listed_at: None,
            version: 1,
            created_by: new.created_by,
            created_at: new.created_at,
            updated_at: new.created_at,
            discovery: Discovery::default(),
        }
    }
}

impl McpServerRecord {
    /// It has listed its tools.
    pub fn answered(&mut self, at: Timestamp) {
        self.listed_at = Some(at);
        self.discovery = Discovery {
            asked_at: Some(at),
            ..Discovery::default()
        };
    }

    /// It was asked for its tools, and didn't list them.
    pub fn failed(&mut self, error: DiscoveryError, at: Timestamp) {
        self.discovery = Discovery {
            asked_at: Some(at),
            failures: self.discovery.failures.saturating_add(1),
            error: Some(error),
        };
    }

    /// The server with other settings. At another address somebody else may answer, whose tools
    /// aren't known yet.
    #[must_use]
    pub fn changed(self, settings: McpServerSettings, at: Timestamp) -> Self {
        let moved = settings.url != self.settings.url;
        let discovery = if settings.is_asked_as(&self.settings) {
            self.discovery
        } else {
            Discovery::default()
        };
        Self {
            listed_at: self.listed_at.filter(|_| !moved),
            discovery,
            settings,
            version: self.version + 1,
            updated_at: at,
            ..self
        }
    }
}

/// The texts of a server, for whoever stores them.
pub fn mcp_server_texts(settings: &McpServerSettings) -> impl Iterator<Item = &str> {
    let auth = match &settings.auth {
        McpAuth::None | McpAuth::Bearer(_) => vec![],
        McpAuth::ClientCredentials {
            token_url,
            client_id,
            scope,
            ..
        } => vec![Some(token_url), Some(client_id), scope.as_ref()],
    };
    let patterns = settings.classes.iter().map(|(pattern, _)| pattern.as_str());
    [settings.name.as_str(), &settings.url]
        .into_iter()
        .chain(auth.into_iter().flatten().map(String::as_str))
        .chain(patterns)
}
