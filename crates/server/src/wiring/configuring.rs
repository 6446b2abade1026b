use std::sync::Arc;

use runloom_accounts::Vault;
use runloom_engine::port::catalog::FixedCatalog;
use runloom_http::{Configuring, Provider, UrlRules};
use runloom_net::guard::Guard;
use url::Url;

use crate::config::{Config, RouteKind};

/// What the API has to know to take configuration from organisations.
pub(crate) fn configuring(
    config: &Config,
    vault: Arc<Vault>,
    platform: Arc<FixedCatalog>,
) -> Configuring {
    Configuring {
        vault,
        platform,
        providers: vec![Provider {
            name: RouteKind::OpenaiChat.as_str(),
            needs_url: true,
        }],
        urls: Arc::new(Guarded(Guard::new(config.net.to_policy()))),
    }
}

/// Takes the URLs that a guarded client would call.
struct Guarded(Guard);

impl UrlRules for Guarded {
    fn check(&self, url: &Url) -> Result<(), String> {
        self.0.check_url(url).map_err(|refused| refused.to_string())
    }
}
