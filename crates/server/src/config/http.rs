use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use anyhow::{Result, ensure};
use runloom_http::HttpSettings;
use runloom_net::guard::IpNet;
use serde::Deserialize;
use url::Url;

use super::{Environment, net};

/// `[http]`: how requests are taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// `RUNLOOM_HTTP_WORKERS`: threads that answer requests; 0, the default, takes as many as
    /// there are processors.
    pub workers: usize,
    /// `RUNLOOM_TRUST_TRACEPARENT`: 1 when what stands in front of the server is trusted to
    /// name traces by the header `traceparent`. Default 0.
    pub trust_traceparent: bool,
    /// `RUNLOOM_METRICS`: 0 takes the path `/metrics` away. Default 1.
    pub metrics: bool,
    /// `RUNLOOM_ALLOWED_ORIGINS`: origins whose pages may use the API and cookies, beside the
    /// server's own, such as `https://app.example.com,http://localhost:3000`. Default none.
    pub allowed_origins: Vec<String>,
    /// `RUNLOOM_TRUSTED_PROXIES`, with commas between: ranges of addresses of proxies that are
    /// believed when they say whom a request comes from. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// `RUNLOOM_HSTS_SECONDS`: for how many seconds browsers keep to HTTPS once they have used
    /// it, where all of the host's traffic goes over TLS. 0, the default, says nothing of it.
    pub hsts_seconds: u64,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            workers: 0,
            trust_traceparent: false,
            metrics: true,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            hsts_seconds: 0,
        }
    }
}

impl Http {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        environment.replace("RUNLOOM_HTTP_WORKERS", &mut self.workers)?;
        environment.switch("RUNLOOM_TRUST_TRACEPARENT", &mut self.trust_traceparent)?;
        if let Some(origins) = environment.text("RUNLOOM_ALLOWED_ORIGINS") {
            let origins = origins.split(',').map(str::trim);
            self.allowed_origins = origins.map(str::to_owned).collect();
        }
        let proxies = &mut self.trusted_proxies;
        net::ranges(environment, "RUNLOOM_TRUSTED_PROXIES", proxies)?;
        environment.replace("RUNLOOM_HSTS_SECONDS", &mut self.hsts_seconds)?;
        environment.switch("RUNLOOM_METRICS", &mut self.metrics)
    }

    pub(super) fn check(&self) -> Result<()> {
        for origin in &self.allowed_origins {
            ensure!(
                is_origin(origin),
                "RUNLOOM_ALLOWED_ORIGINS (http.allowed_origins) names {origin}, which is no \
                 origin as browsers write it, such as https://app.example.com"
            );
        }
        Ok(())
    }

    /// The same in the API's own terms.
    pub fn to_settings(&self) -> HttpSettings {
        let processors = || available_parallelism().map_or(2, NonZeroUsize::get);
        HttpSettings {
            workers: match self.workers {
                0 => processors(),
                workers => workers,
            },
            trust_traceparent: self.trust_traceparent,
            allowed_origins: self.allowed_origins.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
            hsts_seconds: self.hsts_seconds,
            ..HttpSettings::default()
        }
    }
}

/// Whether a text is a scheme, a host and, unless it is the scheme's own, a port.
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}
