//! What the API has to know of the deployment to take configuration from organisations.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_accounts::{Place, Secret, Vault, VaultError};
use runloom_domain::{EncryptedSecret, OrgId, ToolClass};
use runloom_engine::port::catalog::FixedCatalog;
use runloom_engine::port::model::ModelError;
use runloom_engine::port::tool::ToolError;
use runloom_store::{CredentialRecord, FoundTool, McpListing, McpServerRecord, StoreError, Update};
use url::Url;

/// A provider that credentials can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The kind of its routes.
    pub name: &'static str,
    /// Whether a credential must say where it is reached.
    pub needs_url: bool,
}

/// Says which addresses organisations may have the server call.
pub trait UrlRules: Send + Sync + 'static {
    /// Why a URL may not be called, in words for whoever wrote it. It has been looked at as far
    /// as any URL has to be: http or https, with a host, without a user or password.
    fn check(&self, url: &Url) -> Result<(), String>;
}

/// Tries credentials out.
#[async_trait]
pub trait CredentialProbe: Send + Sync + 'static {
    /// Makes one tiny call of `model` and returns how long the whole answer took, or why there
    /// was none. Ends within about a minute; dropping the future ends the call.
    async fn probe(
        &self,
        credential: CredentialRecord,
        model: String,
    ) -> Result<Duration, ModelError>;
}

/// What came of asking a server for its tools.
#[derive(Debug)]
pub enum Refreshed {
    /// It has listed them, and that is noted if the server is still as it was.
    Listed(Box<Update<McpListing>>),
    /// It hasn't, and that is noted.
    Failed(ToolError),
}

/// Asks servers for their tools.
#[async_trait]
pub trait ToolServers: Send + Sync + 'static {
    /// Asks a server for its tools now, and notes what it lists. Ends within about 15 s; dropping
    /// the future ends the asking.
    async fn refresh(&self, server: McpServerRecord) -> Result<Refreshed, StoreError>;
}

/// A server of tools that the deployment has for every organisation, without its address and its
/// secrets, which are the operator's.
#[derive(Clone, Debug, PartialEq)]
pub struct PlatformServer {
    /// The part of its tools' names, and its id.
    pub key: String,
    /// Whether its hints on what its tools do are believed.
    pub trusted: bool,
    /// Classes by patterns on its tools' own names.
    pub classes: Vec<(String, ToolClass)>,
    /// How long a call may take without a sign of progress.
    pub call: Duration,
    /// How long a call may take in all.
    pub longest: Duration,
    /// What it listed last; `None` when it hasn't yet. Each with the class that counts.
    pub tools: Option<Vec<FoundTool>>,
}

/// The servers that the deployment has for every organisation.
pub trait PlatformServers: Send + Sync + 'static {
    /// All of them, as they are known now, in the order of the configuration.
    fn servers(&self) -> Vec<PlatformServer>;
}

/// What the API has to know of the deployment to take configuration from organisations.
#[derive(Clone)]
pub struct Configuring {
    /// Encrypts what must not be readable in the store.
    pub vault: Arc<Vault>,
    /// What the deployment's own configuration has for every organisation.
    pub platform: Arc<FixedCatalog>,
    /// What credentials can be for.
    pub providers: Vec<Provider>,
    /// Which base URLs they may have.
    pub urls: Arc<dyn UrlRules>,
    /// Tries them out.
    pub probe: Arc<dyn CredentialProbe>,
    /// Asks MCP servers for their tools.
    pub tool_servers: Arc<dyn ToolServers>,
    /// The MCP servers that every organisation has.
    pub platform_servers: Arc<dyn PlatformServers>,
    /// The names of tools that every organisation has, which its own can't have.
    pub tool_names: Arc<BTreeSet<String>>,
}

impl Configuring {
    /// Why a base URL can't be taken.
    pub(crate) fn check_url(&self, text: &str) -> Result<(), String> {
        let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("must be an http or https URL".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or a password".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must not have a query or a fragment".to_owned());
        }
        self.urls.check(&url)
    }

    /// Encrypts a secret for the place where it is to stand.
    pub(crate) async fn sealed(
        &self,
        org: OrgId,
        place: Place<'_>,
        secret: &Secret,
    ) -> Result<EncryptedSecret, VaultError> {
        self.vault.seal(org, place, secret).await
    }

    /// The provider of this name.
    pub(crate) fn provider(&self, name: &str) -> Option<Provider> {
        let mut known = self.providers.iter();
        known.find(|provider| provider.name == name).copied()
    }
}
