use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runloom_accounts::Vault;
use runloom_engine::AGENT_TOOLS;
use runloom_engine::port::catalog::FixedCatalog;
use runloom_engine::port::model::{ModelError, ModelErrorKind};
use runloom_engine::port::tool::ToolBox;
use runloom_http::{
    Configuring, CredentialProbe, PlatformServers, Provider, ToolServers, UrlRules,
};
use runloom_models::{Kind, Models};
use runloom_net::guard::Guard;
use runloom_store::CredentialRecord;
use url::Url;

use crate::config::Config;

/// What the API has to know to take configuration from organisations.
pub(crate) fn configuring(
    config: &Config,
    vault: Arc<Vault>,
    platform: Arc<FixedCatalog>,
    models: Arc<Models>,
    tools: &ToolBox,
    tool_servers: Arc<dyn ToolServers>,
    platform_servers: Arc<dyn PlatformServers>,
) -> Configuring {
    let names = tools.iter().map(|(name, _)| name).chain(AGENT_TOOLS);
    let names = names.map(str::to_owned);
    Configuring {
        probe: Arc::new(Probe {
            vault: Arc::clone(&vault),
            models,
        }),
        tool_servers,
        platform_servers,
        tool_names: Arc::new(names.collect()),
        vault,
        platform,
        providers: Models::KINDS.iter().map(provider).collect(),
        urls: Arc::new(Guarded(Guard::new(config.net.to_policy()))),
    }
}

struct Probe {
    vault: Arc<Vault>,
    models: Arc<Models>,
}

#[async_trait]
impl CredentialProbe for Probe {
    async fn probe(
        &self,
        credential: CredentialRecord,
        model: String,
    ) -> Result<Duration, ModelError> {
        let endpoint = super::endpoints::open(&self.vault, &credential).await;
        let endpoint =
            endpoint.map_err(|error| ModelError::new(ModelErrorKind::NotConfigured, error))?;
        let probe = self.models.probe(&credential.provider, &endpoint, &model);
        probe.await
    }
}

fn provider(kind: &Kind) -> Provider {
    Provider {
        name: kind.name,
        needs_url: kind.base_url.is_none(),
    }
}

/// Takes the URLs that a guarded client would call.
struct Guarded(Guard);

impl UrlRules for Guarded {
    fn check(&self, url: &Url) -> Result<(), String> {
        self.0.check_url(url).map_err(|refused| refused.to_string())
    }
}
